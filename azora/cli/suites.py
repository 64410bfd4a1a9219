"""`azora e2e` and `azora smoke`: the suites of what runs, from a terminal."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Literal

from azora.cli.apps import App
from azora.cli.options import AsJson, EnvironmentName, as_worker_of_the_node, environment_called
from azora.cli.output import console, done, safe
from azora.config.environment import Environment
from azora.config.settings import settings
from azora.core.checks.case_history import told
from azora.operations.run_suite import run_live_suite

app = App()

MARKS = {"passed": "[green]✓[/]", "failed": "[red]✗[/]", "flaky": "[yellow]≈[/]", "skipped": "[dim]–[/]"}


@app.command()
def e2e(environment: EnvironmentName, as_json: AsJson = False) -> None:
    """Run the browser cases of what ENV runs against its live address."""
    as_worker_of_the_node()
    print_suite(environment_called(environment), "e2e", as_json=as_json)


@app.command()
def smoke(environment: EnvironmentName, as_json: AsJson = False) -> None:
    """Run the smoke cases of what ENV runs against its live address."""
    as_worker_of_the_node()
    print_suite(environment_called(environment), "smoke", as_json=as_json)


def print_suite(environment: Environment, name: Literal["e2e", "smoke"], *, as_json: bool) -> None:
    """Run them, print each, exit 1 when one failed."""
    run = f"by-hand/{datetime.now(UTC):%Y-%m-%d-%H%M%S}"
    result = run_live_suite(environment, name, run=run, settings=settings())
    for case in [] if as_json else result.cases:
        history = f" [yellow]{told(case)}[/]" if case.outcome in {"failed", "flaky"} else ""
        console.print(f"  {MARKS[case.outcome]} {safe(case.name)} [dim]{case.seconds:.1f} s[/]{history}")
    done(
        result.summary(),
        {"ok": result.ok, "cases": {case.name: case.outcome for case in result.cases}},
        as_json=as_json,
    )
    if not result.ok:
        console.print(f"  report: {result.files['html']}")
        sys.exit(1)
