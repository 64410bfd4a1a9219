"""Annotations of Grafana's boards: each switch, with the requests that were counted around it.

Grafana shows the text of a mark as HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape

from azora.core.cluster.record import Receipt, Switch
from azora.core.cluster.state import World
from azora.core.messages.foreign_text import line
from azora.core.messages.notifications import ERROR_CHARACTERS, counts
from azora.core.release.release import shown


@dataclass(frozen=True)
class Annotation:
    """A moment on the boards; they are found by their tags."""

    at: datetime
    tags: tuple[str, ...]
    text: str


def of_move(application: str, environment: str, switch: Switch, receipt: Receipt | None = None) -> Annotation:
    """One switch, rollback or return, whoever made it."""
    moved = f"users of {environment} went from {switch.came_from or 'nowhere'} to {switch.to}"
    lines = (
        f"{moved}: release {shown(switch.release)} ({switch.kind} {switch.number})",
        counts(switch, receipt) if receipt else "",
        f"verdict bad: {escape(line(receipt.reason, ERROR_CHARACTERS))}"
        if receipt and receipt.verdict == "bad"
        else "",
    )
    tags = (application, environment, shown(switch.release), str(switch.to), switch.kind)
    return Annotation(switch.at, tags, "\n".join(filter(None, lines)))


def of_run(application: str, environment: str, world: World, run: str) -> tuple[Annotation, ...]:
    """Annotations of *run*'s newest switch with a known result, after the switch that it reverts."""
    last = world.last_switch
    if last is None or last.by != run or world.receipt_of(last.number) is None:
        return ()
    made = world.switches[-2:] if last.kind == "return" else (last,)
    return tuple(of_move(application, environment, one, world.receipt_of(one.number)) for one in made)
