"""Start a run and follow it, stage by stage."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from azora.cli.apps import App
from azora.cli.options import (
    AsJson,
    UntilAsked,
)
from azora.cli.options import Summary as SummaryFile
from azora.cli.output import append, console, done, emit, failed, note, program, safe
from azora.cli.summary import Summary
from azora.config.os_user import user_label
from azora.config.settings import settings
from azora.core.promotion.approval import line_to_copy
from azora.errors import BadInput, Refused
from azora.gateways.prefect.runs import Run, Stage, run_called, stages, start
from azora.gateways.prefect.waiting_plan import waiting_plan
from azora.host.retry import retried

app = App()

POLL_SECONDS = 1.0
MARKS = {"Completed": "[green]✓[/]", "Cached": "[green]✓[/]", "Failed": "[red]✗[/]", "Crashed": "[red]✗[/]"}

Look = Callable[[Run], object]
Told = str | tuple[int, str]  # a stage by its id, and by attempt and name


@app.command()
def follow(
    run: Annotated[str, typer.Argument(help="Id of the run, its beginning, or the run's name.")],
    until_asked: UntilAsked = False,
    summary: SummaryFile = None,
    as_json: AsJson = False,
) -> None:
    """Follow RUN, whoever started it; its result is the exit code."""
    on_look = told_to(summary)
    follow_and_exit(
        run_called(run, application=settings().application), until_asked=until_asked, on_look=on_look, as_json=as_json
    )


def begin(
    deployment: str,
    parameters: Mapping[str, object],
    *,
    wait: bool,
    as_json: bool,
    until_asked: bool = False,
    summary: Path | None = None,
    outputs: Path | None = None,
) -> None:
    """Start a run; with *wait* follow it and exit by its result.

    Files that cannot be written start nothing.
    """
    if (until_asked or summary) and not wait:
        raise BadInput("could not use --until-asked or --summary: they need --wait", advice="add --wait")
    on_look = told_to(summary)
    if outputs:
        append(outputs, "")
    run = start(deployment, dict(parameters), application=settings().application)
    note(f"started {run.name}", run=run.id, run_name=run.name, by=user_label())
    if outputs:
        append(outputs, f"run={run.id}\nurl={run.url}\n")
    if wait:
        follow_and_exit(run, until_asked=until_asked, on_look=on_look, outputs=outputs, as_json=as_json)
    done(f"started {run.name}", {"run": run.id, "url": run.url}, as_json=as_json)
    emit(f"  {run.url}", as_json=as_json)


def told_to(summary: Path | None) -> Look:
    """Callback for each look at a run, which writes the file *summary*; does nothing without one."""
    return Summary(summary).tell if summary else str


def follow_and_exit(
    run: Run, *, until_asked: bool, on_look: Look, as_json: bool, outputs: Path | None = None
) -> NoReturn:
    """Follow *run*; 0 when it went well, or when it asks a person and that was waited for; else 1."""
    emit(f"{run.name}: {run.url}", as_json=as_json)
    now = follow_run(run.id, quiet=as_json, until_waiting=until_asked, on_look=on_look)
    plan = plan_of_waiting(now.id) if now.waits else ""
    if outputs and plan:
        append(outputs, f"plan={plan}\n")
    ended(now, plan, as_json=as_json)
    sys.exit(0 if now.went_well or now.waits else 1)


def ended(run: Run, plan: str, *, as_json: bool) -> None:
    """Tell how a run ended, or that it waits with *plan*."""
    data = {"run": run.id, "state": run.state, "message": run.message, "url": run.url}
    if run.waits:
        done(f"{run.name} waits for an approval", {**data, "plan": plan}, as_json=as_json)
        emit(how_to_answer(run.id, run.url, plan), as_json=as_json)
    elif run.went_well:
        done(f"{run.name}: {run.message}", data, as_json=as_json)
    else:
        failed(f"{run.name}: {run.state}: {run.message}", data, as_json=as_json)


def follow_run(
    run: str, *, quiet: bool = False, until_waiting: bool = False, told: set[Told] | None = None, on_look: Look = str
) -> Run:
    """Print each stage as it ends; returns when the run is over, or when it waits and that was asked for.

    *told* holds the stages that were printed already, for a run that is followed again. A Prefect that is away for less
    than a minute is waited for.
    """
    told = set() if told is None else told
    asked = ""
    while True:
        now = retried(run_called)(run, application=settings().application)
        for stage in retried(stages)(run):
            if _is_new(stage, told) and not quiet:
                console.print(f"  {MARKS[stage.state]} {safe(stage.name)} [dim]{stage.seconds:.1f} s[/]")
        on_look(now)
        if now.is_over or (now.waits and until_waiting):
            return now
        if now.waits and not quiet and (plan := plan_of_waiting(run)) != asked:
            asked = plan
            console.print(f"  [yellow]‖[/] waits for an approval: {how_to_answer(now.id, now.url, plan)}")
        time.sleep(POLL_SECONDS)


def _is_new(stage: Stage, told: set[Told]) -> bool:
    """Report whether *stage* has ended and was not printed before; marks it as printed."""
    before = (stage.attempt, stage.name)
    if stage.state not in MARKS or stage.id in told or (stage.state == "Cached" and before in told):
        return False
    told |= {stage.id, before}
    return True


def plan_of_waiting(run: str) -> str:
    """Hash of the plan that *run* waits with.

    Empty after an answer, and for a form of an older version.
    """
    try:
        return retried(waiting_plan)(run).hash
    except Refused:
        return ""


def how_to_answer(run: str, url: str, plan: str) -> str:
    """The run's page, and the line to copy."""
    return f"{url}\n    {line_to_copy(run, plan, program())}" if plan else url
