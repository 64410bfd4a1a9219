"""`azora approvals`: requests that wait, for whom and until when, from the cluster."""

from __future__ import annotations

import json
import sys
from typing import Any

from azora.cli.apps import App
from azora.cli.exit_codes import exit_code
from azora.cli.options import AsJson, OptionalEnvironment, environment_called
from azora.cli.output import console, program, safe
from azora.config.environment import environments
from azora.config.settings import settings
from azora.core.cluster.record import Question
from azora.core.messages.foreign_text import line
from azora.core.messages.tally_text import left_out, sentence, who_may
from azora.core.promotion.approval import line_to_copy
from azora.core.release.release import shown
from azora.errors import AzoraError
from azora.gateways.kubernetes.cluster import Cluster, connect
from azora.gateways.kubernetes.record_store import questions_of
from azora.operations.approving import look
from azora.operations.counting import policy_of

app = App()


@app.command()
def approvals(environment: OptionalEnvironment = None, as_json: AsJson = False) -> None:
    """Show what waits for an approval in ENV or everywhere: since when, for whom, until when."""
    names = [environment] if environment else environments(settings().environments)
    found: list[dict[str, Any]] = []
    errors: dict[str, AzoraError] = {}
    for name in names:
        try:
            found += _waiting(name)
        except AzoraError as error:  # a cluster that is away hides no other one
            errors[name] = error
    if as_json:
        said = {name: {"message": error.message, "advice": error.advice} for name, error in errors.items()}
        print(json.dumps({"waiting": found, "errors": said}, default=str))  # noqa: T201 - for a machine
    else:
        _print(found, errors)
    if errors:
        sys.exit(exit_code(next(iter(errors.values()))))


def _waiting(name: str) -> list[dict[str, Any]]:
    here = environment_called(name)
    if here.approval is None:
        return []
    cluster = connect(here, settings())
    asked = sorted(questions_of(cluster.record.read()), key=lambda one: one.until)
    return [_request(cluster, one) for one in asked]


def _request(cluster: Cluster, asked: Question) -> dict[str, Any]:
    by_people = cluster.namespace.environment.has_a_gate
    return {
        "environment": cluster.namespace.environment.name,
        "run": asked.run,
        "release": asked.release,
        "title": asked.title or shown(asked.release),
        "plan": asked.plan,
        "since": asked.at,
        "until": asked.until,
        "by": "cluster" if by_people else "form",
        **(_people(cluster, asked) if by_people else {"for": "anybody who has Prefect's password"}),
    }


def _people(cluster: Cluster, asked: Question) -> dict[str, Any]:
    """People who may approve, and whose approval is missing; a request that is void has the reason."""
    found: dict[str, Any] = {"for": who_may(policy_of(cluster))}
    try:
        waiting = look(cluster, asked)
    except AzoraError as error:
        return found | {"void": error.message, "advice": error.advice}
    tally = waiting.tally
    freeze = waiting.world.freezes.keeps_out(asked.release, asked.run, cluster.namespace.api.clock())
    return found | {
        "frozen": freeze.text if freeze else None,
        "state": sentence(tally),
        "approved_by": [voice.who for voice in tally.counted],
        "still_needed": tally.still_needed,
        "answered": tally.is_enough or bool(tally.rejections),
        "left_out": left_out(tally),
    }


def _print(found: list[dict[str, Any]], errors: dict[str, AzoraError]) -> None:
    for one in found:
        console.print(
            f"[yellow]‖[/] [bold]{safe(one['environment'])}[/]  until {one['until']:%Y-%m-%d %H:%M} UTC:"
            f" {safe(line(one['title']))}"
        )
        for text in _lines(one):
            console.print(f"    {safe(text)}")
    for name, error in errors.items():
        console.print(f"[bold]{name}[/]  [red]✗[/] {safe(' '.join(str(error).split()))}")
    if not found and not errors:
        console.print("nothing waits for an approval")


def _lines(one: dict[str, Any]) -> list[str]:
    """State of a request, and what a person can do."""
    frozen = [f"frozen {one['frozen']}"] if one.get("frozen") else []
    state = [*frozen, *filter(None, [one.get("void"), one.get("state")]), *one.get("left_out", [])]
    return [*state, *_next_acts(one)]


def _next_acts(one: dict[str, Any]) -> list[str]:
    """Format the next act of a person: to approve, to wake the run, or what a void request needs."""
    if "void" in one:
        return [one["advice"]]
    if one.get("answered"):
        return [f"the run still sleeps: Resume on its page wakes it{' after the freeze' if one['frozen'] else ''}"]
    return [f"may approve: {one['for']}", line_to_copy(one["run"], one["plan"], program())]
