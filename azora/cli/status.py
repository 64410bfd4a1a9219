"""`azora status`: who serves users, what waits, what can be rolled back to."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from azora.cli.apps import App
from azora.cli.exit_codes import exit_code
from azora.cli.options import (
    AsJson,
    OptionalEnvironment,
    environment_called,
)
from azora.cli.output import console, program, safe
from azora.config.environment import environments
from azora.config.settings import settings
from azora.config.urls import public_url
from azora.core.cluster.state import World
from azora.core.colors import Color
from azora.core.messages.foreign_text import line
from azora.core.promotion.approval import line_to_copy
from azora.core.release.release import shown
from azora.errors import AzoraError
from azora.gateways.kubernetes.cluster import connect

app = App()

SHOWN = 8


@app.command()
def status(environment: OptionalEnvironment = None, as_json: AsJson = False) -> None:
    """Show who serves users, what waits, and the switches that can be rolled back to."""
    show([environment] if environment else environments(settings().environments), as_json=as_json)


def show(names: list[str], *, as_json: bool) -> None:
    """Print each environment and the waiting runs; exit by the first error of an environment."""
    found = {name: _seen(name) for name in names}
    errors = [state for state in found.values() if isinstance(state, AzoraError)]
    if len(names) == len(errors) == 1 and not as_json:
        raise errors[0]
    waits = _waiting()
    if isinstance(waits, list):
        _forget_stale_questions(names)
    if as_json:
        states = {name: _error(state) if isinstance(state, AzoraError) else state for name, state in found.items()}
        print(json.dumps({"environments": states, "waiting": waits}, default=str))  # noqa: T201 - for a machine
    else:
        _print_all(found, waits)
    if errors:
        sys.exit(exit_code(errors[0]))


def _print_all(found: Mapping[str, dict[str, Any] | AzoraError], waits: list[dict[str, str]] | str) -> None:
    for name, state in found.items():
        if isinstance(state, AzoraError):
            console.print(f"[bold]{name}[/]  [red]✗[/] {safe(' '.join(str(state).split()))}")
        else:
            _print(name, state)
    for run in waits if isinstance(waits, list) else []:
        line = f"\n    {line_to_copy(run['run'], run['plan'], program())}" if run["plan"] else ""
        console.print(f"[yellow]‖[/] {safe(run['name'])} waits for an approval: {run['url']}{line}")
    if isinstance(waits, str):
        console.print(f"[dim]{safe(waits)}[/]")


def _seen(name: str) -> dict[str, Any] | AzoraError:
    """A cluster that is away hides no other one."""
    try:
        return _environment(name)
    except AzoraError as error:
        return error


def _error(error: AzoraError) -> dict[str, Any]:
    return {"error": {"message": error.message, "advice": error.advice}}


def _environment(name: str) -> dict[str, Any]:
    environment = environment_called(name)
    world = connect(environment, settings()).look()
    freeze = world.freezes.in_force(datetime.now(UTC))
    return {
        "address": public_url(environment.hosts.live, settings()),
        "live": world.active,
        "stacks": {str(color): _stack(world, color) for color in Color},
        "history": [switch.model_dump(mode="json") | _counts(world, switch.number) for switch in world.switches],
        "in_doubt": list(world.pending),
        "drifted_from": world.last_switch.to if world.last_switch and world.has_drifted else None,
        "freeze": {"until": freeze.until, "by": freeze.by, "reason": freeze.reason} if freeze else None,
        "overrides": [asdict(one) for one in world.overrides],
        "warnings": [
            *([f"frozen {freeze.text}"] if freeze else []),
            *(f"override in force: {one.text}" for one in world.overrides),
        ],
    }


def _stack(world: World, color: Color) -> dict[str, Any] | None:
    stack = world.stack(color)
    if stack.helm is None and (world.helm_is_known or not stack.wanted):
        return None
    return {
        "release": stack.release,
        "commit": stack.known.commit[:7] if stack.known else None,
        "subject": stack.known.subject if stack.known else None,
        "ready": sum(stack.ready.values()),
        "wanted": sum(stack.wanted.values()),
        "proved": stack.is_proved,
        "helm": stack.helm,
        "revision": stack.revision,
    }


def _counts(world: World, number: int) -> dict[str, Any]:
    receipt = world.receipt_of(number)
    return {"requests": receipt.total, "failed": receipt.failed, "verdict": receipt.verdict} if receipt else {}


def _waiting() -> list[dict[str, str]] | str:
    from azora.cli.follow import plan_of_waiting  # noqa: PLC0415 - slow to import
    from azora.gateways.prefect.runs import waiting  # noqa: PLC0415 - slow to import, and may be away

    try:
        return [
            {"run": run.id, "name": run.name, "url": run.url, "plan": plan_of_waiting(run.id)}
            for run in waiting(application=settings().application)
        ]
    except AzoraError as error:
        return str(error)


def _forget_stale_questions(names: list[str]) -> None:
    """Remove the approval requests of finished runs from the record; an error does not fail this command."""
    from azora.operations.approval_requests import forget_stale_everywhere  # noqa: PLC0415 - slow to import

    forget_stale_everywhere(settings(), names)


def _print(name: str, state: dict[str, Any]) -> None:
    console.print(f"[bold]{name}[/]  {state['address']}")
    table = Table(box=None, padding=(0, 0, 0, 2))
    for column in ("color", "users", "release", "pods", "state"):
        table.add_column(column, no_wrap=True)
    table.add_column("commit")  # gives way to the others where the terminal is narrow
    for color, stack in state["stacks"].items():
        if stack:
            table.add_row(*_row(color, stack, is_live=color == state["live"]))
    console.print(table)
    for entry in state["history"][-SHOWN:]:
        counts = f", {entry['requests']} requests, {entry['failed']} failed" if "requests" in entry else ""
        console.print(
            f"  {entry['number']:>3}  {entry['at'][:19]}  {entry['kind']} to {entry['to']}: {safe(shown(entry['release']))}{counts}"
        )
    if home := state["drifted_from"]:
        console.print(
            f"  [red]users are on {state['live'] or 'no color'}, the last switch sent them to {home}: the live Service was edited[/]"
        )
    for warning in state["warnings"]:
        console.print(f"  [red]⚠ {safe(warning)}[/]")
    if state["in_doubt"]:
        console.print(
            f"  [yellow]incomplete Helm releases: {safe(', '.join(state['in_doubt']))}; the next run repairs them[/]"
        )


def _row(color: str, stack: dict[str, Any], *, is_live: bool) -> tuple[str | Text, ...]:
    return (
        color,
        "[green]● live[/]" if is_live else "",
        safe(shown(stack["release"])),
        f"{stack['ready']}/{stack['wanted']}",
        _state(stack),
        Text(line(f"{stack['commit'] or ''} {stack['subject'] or ''}"), no_wrap=True, overflow="ellipsis"),
    )


def _state(stack: dict[str, Any]) -> str:
    if stack["helm"] not in {None, "deployed"}:
        return f"Helm: {stack['helm']}"
    return "proved" if stack["proved"] else "not proved"
