"""`azora verify`: the first broken link of a record, or of an export of it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from azora.cli.apps import App
from azora.cli.exit_codes import exit_code
from azora.cli.options import AsJson, environment_called
from azora.cli.output import console, safe
from azora.config.environment import environments
from azora.config.settings import settings
from azora.core.record.chain import head_of
from azora.core.record.export import Export
from azora.errors import AzoraError
from azora.gateways.kubernetes.cluster import connect
from azora.operations.record.export import export, fault_of, read_export

app = App()


@app.command()
def verify(
    what: Annotated[str | None, typer.Argument(metavar="[ENV|FILE]", help="An environment, or an export.")] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An earlier export, whose head must hold.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify the record of ENV (default: of all), or an export offline; the first broken link is named."""
    results = [_checked(name, against) for name in ([what] if what else environments(settings().environments))]
    if as_json:
        print(json.dumps([asdict(result) for result in results]))  # noqa: T201 - for a machine
    else:
        for result in results:
            console.print(_sentence(result))
    sys.exit(next((result.code for result in results if result.code), 0))


@dataclass(frozen=True)
class Result:
    """*fault*: the first broken link, or why nothing was read. *code*: the exit code that follows."""

    name: str
    entries: int = 0
    head: str = ""
    fault: str = ""
    code: int = 0


def _checked(name: str, against: Path | None) -> Result:
    """A cluster that is away hides no other one."""
    try:
        found = _read(name)
        fault = fault_of(found, against)
    except AzoraError as error:
        return Result(name, fault=" ".join(str(error).split()), code=exit_code(error))
    reason = fault.reason if fault else ""
    return Result(name, len(found.lines), str(head_of(found.lines)), reason, int(bool(reason)))


def _read(name: str) -> Export:
    """The export in the file *name*, or the record of the environment *name* as it is now."""
    known = environments(settings().environments)
    if name not in known and Path(name).is_file():
        return read_export(Path(name))
    return export(connect(environment_called(name), settings()))


def _sentence(result: Result) -> str:
    if result.fault:
        return f"[red]✗[/] {safe(f'{result.name}: {result.fault}')}"
    if not result.entries:
        return f"[green]✓[/] {safe(result.name)}: nothing is recorded yet"
    return f"[green]✓[/] {safe(result.name)}: {result.entries} entries, head {result.head}"
