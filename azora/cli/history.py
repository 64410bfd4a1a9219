"""`azora history`: requests, answers, switches and rollbacks of an environment, from its record."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from azora.cli.apps import App
from azora.cli.options import AsJson, EnvironmentName, environment_called
from azora.cli.output import console, done, safe
from azora.config.settings import settings
from azora.core.messages.foreign_text import line
from azora.core.record.chain import head_of
from azora.core.record.entry import readable
from azora.core.record.history import Act, history_of
from azora.core.release.release import shown
from azora.gateways.kubernetes.cluster import connect
from azora.operations.record.export import export, write_export

app = App()

SHOWN = 30


@app.command()
def history(
    environment: EnvironmentName,
    last: Annotated[int, typer.Option(help="Number of lines; 0: all.", min=0)] = SHOWN,
    export_to: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Write all entries to FILE.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show requests, answers, switches and rollbacks of ENV: by whom, why, and how long each took."""
    found = export(connect(environment_called(environment), settings()))
    if export_to:
        write_export(found, export_to)
        head = head_of(found.lines)
        sentence = f"{environment}: {len(found.lines)} entries in {export_to}, head {head}"
        done(sentence, {"file": export_to, "entries": len(found.lines), "head": str(head)}, as_json=as_json)
        return
    acts = history_of(readable(found.lines))
    acts = acts[-last:] if last else acts
    if as_json:
        print(json.dumps([_data(act) for act in acts], default=str))  # noqa: T201 - for a machine
    elif not acts:
        console.print(f"{environment}: nothing is recorded yet; the next request, switch or rollback begins the record")
    else:
        console.print(_table(acts))


def _data(act: Act) -> dict[str, Any]:
    receipt = act.receipt.model_dump(mode="json") if act.receipt else None
    return asdict(act) | {
        "receipt": receipt,
        "waiting_seconds": act.waiting.total_seconds() if act.waiting is not None else None,
        "working_seconds": act.working.total_seconds() if act.working is not None else None,
    }


def _table(acts: list[Act]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("began (UTC)", "what", "release", "people", "machines"):
        table.add_column(column, no_wrap=True)
    table.add_column("outcome")
    table.add_column("who and why")
    for act in acts:
        table.add_row(*map(safe, _row(act)))
    return table


def _row(act: Act) -> tuple[str, ...]:
    number = f" {act.switch}" if act.switch else ""
    who = f"{', '.join(act.people)}: {act.why}" if act.people and act.why else ", ".join(act.people) or act.why
    release = f"{shown(act.release)} {act.commit[:7]}".strip()
    return (
        f"{act.began:%Y-%m-%d %H:%M}",
        f"{act.what}{number}",
        release,
        _duration(act.waiting),
        _duration(act.working),
        line(act.outcome),
        line(who),
    )


def _duration(time: timedelta | None) -> str:
    """*time* for a column: `0.4 s`, `12 min`, `3.5 h`; empty where there is none."""
    if time is None:
        return ""
    seconds = time.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - two digits suffice
