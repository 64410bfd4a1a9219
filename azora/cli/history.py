"""`azora history`: requests, answers, switches and rollbacks of an environment, from its record."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

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
COLUMNS = ("began (UTC)", "what", "release", "people", "machines")


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
        _print(acts)


def _data(act: Act) -> dict[str, Any]:
    receipt = act.receipt.model_dump(mode="json") if act.receipt else None
    return asdict(act) | {
        "receipt": receipt,
        "waiting_seconds": act.waiting.total_seconds() if act.waiting is not None else None,
        "working_seconds": act.working.total_seconds() if act.working is not None else None,
    }


def _print(acts: list[Act]) -> None:
    """Print two lines an act: narrow columns, then outcome, person and reason, which fit any terminal."""
    rows = [COLUMNS, *map(_row, acts)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    below = ["outcome; who and why", *map(_below, acts)]
    for number, (row, text) in enumerate(zip(rows, below, strict=True)):
        text_of_row = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        console.print(f"{safe(text_of_row)}\n    {safe(text)}", style="" if number else "bold")


def _row(act: Act) -> tuple[str, ...]:
    return (
        f"{act.began:%Y-%m-%d %H:%M}",
        f"{act.what}{f' {act.switch}' if act.switch else ''}",
        f"{shown(act.release)} {act.commit[:7]}".strip(),
        _duration(act.waiting),
        _duration(act.working),
    )


def _below(act: Act) -> str:
    who = f"{', '.join(act.people)}: {act.why}" if act.people and act.why else ", ".join(act.people) or act.why
    return "; ".join(filter(None, [line(act.outcome), line(who)]))


def _duration(time: timedelta | None) -> str:
    """*time* for a column: `0.4 s`, `12 min`, `3.5 h`; empty where there is none."""
    if time is None:
        return ""
    seconds = time.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - two digits suffice
