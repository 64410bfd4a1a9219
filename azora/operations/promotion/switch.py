"""The switch, and the steps after it: watched, kept or reversed, and recorded in Helm."""

from __future__ import annotations

from datetime import UTC, datetime

from azora.core.cluster.record import BY_HAND, Receipt, Switch
from azora.core.cluster.state import Stack, World
from azora.core.colors import Color
from azora.core.promotion.approval import first_approval
from azora.core.promotion.next_step import runs
from azora.core.promotion.safety import may_serve
from azora.core.promotion.switch_verdict import failure, receipt_of
from azora.core.release.release import shown
from azora.errors import CheckFailed, Refused
from azora.operations.promotion.context import Context
from azora.operations.promotion.live_probe import LiveProbe
from azora.operations.promotion.observer import Observer
from azora.operations.record import writing
from azora.operations.record.seen import add_news


def switch(context: Context, probe: LiveProbe) -> Switch:
    """Start a probe, then switch users to this release by one compare-and-swap patch.

    Refused when that is not safe, or was not approved for the very state that the patch changes. A switch whose answer
    was lost is not made twice.
    """
    context.hold()
    world = context.look()
    here = runs(world, context.delivery.release.id)
    if here and world.last_switch:
        return world.last_switch
    entry = _first(context, world) if here else _promotion(context, world)
    if world.overrides:  # the switch removes the annotation
        add_news(context.cluster, world, who=entry.by)
    probe.start()
    writing.switch(context.cluster, world, entry)
    return entry


def _first(context: Context, world: World) -> Switch:
    """The entry of the log for users that the router's installation brought here."""
    known = first_approval(world, context.wanted)
    approval = known or context.approval(world)
    stack = world.active_stack or Stack(world.preview)
    return world.switch_to(
        stack, "first", by=context.delivery.run, at=datetime.now(UTC), came_from=None, approval=approval
    )


def _promotion(context: Context, world: World) -> Switch:
    stack, release = world.stack(world.preview), context.delivery.release
    if reason := may_serve(world, stack.color) or _is_not(stack, release.id):
        raise Refused(f"could not switch {context.where}: {reason}", advice="start the release again")
    context.must_not_be_frozen(world)
    by, approval = context.delivery.run, context.approval(world)
    return world.switch_to(stack, "promotion", by=by, at=datetime.now(UTC), came_from=world.active, approval=approval)


def watch(context: Context, probe: LiveProbe, observer: Observer) -> Receipt:
    """Watch the new color for the settle time, run the smoke cases at the live address, write the receipt.

    A bad verdict sends users back (the reverse of the same switch), where the old color may serve them, and raises
    CheckFailed.
    """
    try:
        return _judged(context, probe, observer)
    finally:
        observer.judged()


def _judged(context: Context, probe: LiveProbe, observer: Observer) -> Receipt:
    entry = context.cluster.look().last_switch
    if entry is None:
        raise Refused("could not watch a switch: the log has no switch")
    probed = probe.finish(entry)
    stack = context.cluster.look().stack(entry.to)
    reason = failure(probed, entry, stack) or _failed_smoke(context, stack, observer)
    receipt = receipt_of(entry, probed, reason)
    if reason is None:
        _accept(context, entry, receipt)
        return receipt
    context.hold()
    where = _go_back(context, entry, receipt)
    raise CheckFailed(
        f"could not keep {context.where} on {context.delivery.release.title}: {reason}",
        advice=f"{where}; fix the cause and release again",
    )


def _failed_smoke(context: Context, stack: Stack, observer: Observer) -> str | None:
    smoke = context.suite("smoke", context.delivery.environment.hosts.live, stack)
    observer.live_smoke(smoke)
    return None if smoke.ok else f"smoke cases through the live address: {smoke.summary()}"


def _accept(context: Context, entry: Switch, receipt: Receipt) -> None:
    """Good under users: that is a proof too, and the only one that a first release gets."""
    stack = context.cluster.look().stack(entry.to)
    if not stack.is_proved:
        context.cluster.record.set_stack(stack.color, context.proof(stack))
    _keep(context, receipt)


def _go_back(context: Context, entry: Switch, receipt: Receipt) -> str:
    """The reverse of *entry*, where users came from a color that may serve; says where they are now."""
    world = context.cluster.look()
    _void_proof(context, world.stack(entry.to))
    if entry.came_from is None:
        _keep(context, receipt)
        return "there was no active color before"
    if entry.kind in BY_HAND:
        _keep(context, receipt)
        return f"users stay on {entry.to}: {entry.by} made this {entry.kind}"
    if reason := may_serve(world, entry.came_from):
        stay = f"users stay on {entry.to}: {reason}"
        _keep(context, receipt.model_copy(update={"reason": f"{receipt.reason}; {stay}"}))
        return stay
    _return(context, world, entry, entry.came_from, receipt.reason)
    _keep(context, receipt)
    return f"users are back on {entry.came_from}"


def _keep(context: Context, receipt: Receipt) -> None:
    writing.receipt(context.cluster, receipt, run=context.delivery.run)


def _void_proof(context: Context, stack: Stack) -> None:
    """Remove the proof of *stack*: what failed under users needs a new one."""
    if stack.known:
        context.cluster.record.set_stack(stack.color, stack.known.model_copy(update={"proved_at": None}))


def _return(context: Context, world: World, entry: Switch, back: Color, reason: str) -> None:
    by = context.delivery.run
    reverse = world.switch_to(world.stack(back), "return", by=by, at=datetime.now(UTC), came_from=entry.to)
    writing.switch(context.cluster, world, reverse, why=reason)
    _keep(context, Receipt(number=reverse.number, verdict="good", reason=reason))


def record_in_helm(context: Context) -> None:
    """Record the switch in the router's Helm release; the preview Service follows to the other color."""
    context.hold()
    if active := context.cluster.look().active_stack:
        context.upgrade_router(active)
        context.cluster.correct_selector()


def _is_not(stack: Stack, release: str) -> str | None:
    if stack.release == release:
        return None
    return f"the {stack.color} stack runs {shown(stack.release)} now, not {shown(release)}"
