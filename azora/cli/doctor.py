"""`azora doctor`: what a release depends on, looked at one by one, and what to do about each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

import typer

from azora.cli.apps import App
from azora.cli.options import (
    AsJson,
    OptionalEnvironment,
    environment_called,
)
from azora.cli.output import console, safe
from azora.config.environment import environments
from azora.config.settings import settings
from azora.core.doctor import Finding, Level, exit_code
from azora.operations.doctor import examine, examine_machine

app = App()

SIGNS = {Level.GOOD: "[green]✓[/]", Level.WEAK: "[yellow]![/]", Level.UNKNOWN: "[dim]?[/]", Level.BAD: "[red]✗[/]"}


@app.command()
def doctor(environment: OptionalEnvironment = None, as_json: AsJson = False) -> None:
    """Check everything that a release depends on: rights, versions, clocks, disks; exit 1 at an error."""
    names = [environment] if environment else environments(settings().environments)
    raise typer.Exit(show(names, as_json=as_json))


def show(names: list[str], *, as_json: bool) -> int:
    """Print what was found of this machine and of each environment; returns the exit code."""
    here = [environment_called(name) for name in names]
    found = {"machine": examine_machine(settings())} | {one.name: examine(one, settings()) for one in here}
    if as_json:
        rows = [{"where": where} | asdict(finding) for where, some in found.items() for finding in some]
        print(json.dumps(rows))  # noqa: T201 - for a machine
    else:
        _print(found)
    return exit_code(finding for some in found.values() for finding in some)


def _print(found: Mapping[str, list[Finding]]) -> None:
    for where, findings in found.items():
        console.print(f"[bold]{where}[/]")
        for finding in findings:
            console.print(f"  {SIGNS[finding.level]} {safe(finding.check):<24} {safe(finding.said)}")
            for line in filter(None, finding.advice.splitlines()):
                console.print(f"    → {safe(line)}")
