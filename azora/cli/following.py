"""Start a run and follow it, stage by stage."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

from azora.cli.output import console, done, emit, failed
from azora.gateways.orchestrator import Run, run_called, stages, start

POLL_SECONDS = 1.0
MARKS = {"Completed": "[green]✓[/]", "Cached": "[green]✓[/]", "Failed": "[red]✗[/]", "Crashed": "[red]✗[/]"}


def begin(deployment: str, parameters: Mapping[str, object], *, wait: bool, as_json: bool) -> None:
    """Start a run; with *wait* follow it and exit by its result."""
    run = start(deployment, dict(parameters))
    if not wait:
        done(f"started {run.name}", {"run": run.id, "url": run.url}, as_json=as_json)
        emit(f"  {run.url}", as_json=as_json)
        return
    emit(f"{run.name}: {run.url}", as_json=as_json)
    over = follow(run.id, quiet=as_json)
    ended(over, as_json=as_json)
    sys.exit(0 if over.went_well else 1)


def ended(run: Run, *, as_json: bool) -> None:
    """Tell how a run ended."""
    data = {"run": run.id, "state": run.state, "message": run.message, "url": run.url}
    if run.went_well:
        done(f"{run.name}: {run.message}", data, as_json=as_json)
    else:
        failed(f"{run.name}: {run.state}: {run.message}", data, as_json=as_json)


def follow(run: str, *, quiet: bool = False, until_waiting: bool = False, told: set[str] | None = None) -> Run:
    """Print each stage as it ends; returns when the run is over, or when it waits and that was asked for.

    *told* holds the stages that were printed already, for a run that is followed again.
    """
    told = set() if told is None else told
    asked = False
    while True:
        now = run_called(run)
        for name, state, seconds in stages(run):
            if state in MARKS and name not in told:
                told.add(name)
                if not quiet:
                    console.print(f"  {MARKS[state]} {name} [dim]{seconds:.1f} s[/]")
        if now.is_over or (now.waits and until_waiting):
            return now
        if now.waits and not asked:
            asked = True
            console.print(f"  [yellow]‖[/] waits for a person: {now.url}\n    azora approve {now.id[:8]} -m '…'")
        time.sleep(POLL_SECONDS)
