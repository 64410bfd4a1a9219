"""Rollback target: a switch of the history, and its color or a release to install first."""

from __future__ import annotations

from azora.core.cluster.record import Switch
from azora.core.cluster.state import World
from azora.core.colors import Color
from azora.core.promotion.safety import drifted, may_serve
from azora.core.release.release import shown
from azora.errors import BadInput, Refused


def target_of(environment: str, world: World, revision: int | None) -> Color | str:
    """Rollback target: a color that runs the release, or the id of the release to install first.

    *revision* is the number of a switch in the environment's history; None means: the release that served before.

    Raises:
        BadInput: there is nothing to go back to, or no such revision.
        Refused: users went back already, and no revision says where to now.
    """
    entry = _before(environment, world) if revision is None else _numbered(environment, world, revision)
    ready = [
        color for color in Color if world.stack(color).release == entry.release and may_serve(world, color) is None
    ]
    return ready[0] if ready else entry.release


def _before(environment: str, world: World) -> Switch:
    """Newest switch to another release, without those that failed after a switch; works once.

    Of users who drifted: the last switch, which brings them home.
    """
    if drifted(world):
        if home := _good_before(world, set()):
            return home
    elif back := world.rolled_back:
        raise _back_already(environment, world, back)
    running = world.active_stack.release if world.active_stack else None
    if switch := _good_before(world, {running}):
        return switch
    raise BadInput(
        f"could not roll {environment} back: no other release was active before",
        advice="see `azora status`, or name a revision of it",
    )


def _good_before(world: World, left: set[str | None]) -> Switch | None:
    """Newest switch to a release outside *left* that did not fail after its last switch."""
    bad: set[str] = set()
    for switch in reversed(world.switches):
        receipt = world.receipt_of(switch.number)
        if receipt and receipt.verdict == "bad":
            bad.add(switch.release)
        elif switch.release not in left | bad:
            return switch
    return None


def _back_already(environment: str, world: World, back: Switch) -> Refused:
    """A second rollback would send users forth, to what somebody took them away from."""
    left = world.moves[-2]
    further = _good_before(world, {back.release, left.release})
    ways = [(further, "further back")] if further else []
    ways += [(left, "undo the rollback")]
    return Refused(
        f"could not roll {environment} back further without a number: it was rolled back already,"
        f" from release {shown(left.release)} to {shown(back.release)} (switch {back.number}, {back.at:%Y-%m-%d %H:%M %Z} by {back.by})",
        advice="; ".join(
            f"{how}: `azora rollback {environment} {to.number}` (release {shown(to.release)})" for to, how in ways
        ),
    )


def _numbered(environment: str, world: World, revision: int) -> Switch:
    for switch in world.switches:
        if switch.number == revision:
            return switch
    known = ", ".join(str(switch.number) for switch in world.switches) or "none"
    raise BadInput(
        f"could not roll {environment} back to revision {revision}: no switch has this number",
        advice=f"known revisions: {known}",
    )
