"""The promotion, level-triggered: look at the world, say the one next step.

Every step may be repeated without harm. Nothing else remembers how far a promotion came, so that one killed anywhere
goes on where it was when it is started again. docs/promotion-steps.md lists the steps.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from azora.core.cluster.state import World
from azora.core.promotion.approval import approved, covers_what_is_left, first_approval, is_frozen
from azora.core.promotion.goal import Wanted
from azora.core.release.migrations import pending


class Step(StrEnum):
    """Steps of a promotion, in order.

    The value is the name of the step's task in Prefect; the member names its Event.
    """

    ASK = "request approval"
    REPAIR = "repair Helm"
    INSTALL_DATA = "install databases"
    INSTALL_PREVIEW = "install preview"
    AWAIT_READY = "await ready"
    PROVE = "prove preview"
    END_TO_END = "end-to-end cases of the preview"
    INSTALL_ROUTER = "install router"
    SWITCH = "switch users"
    WATCH = "watch and smoke"
    RECORD_IN_HELM = "record in Helm"


def runs(world: World, release: str) -> bool:
    """Return True when *release* is what users reach."""
    return world.active is not None and world.stack(world.active).release == release


def next_step(world: World, wanted: Wanted, now: datetime) -> Step | None:  # noqa: PLR0911 - one line per step is the table
    """The one next step towards *wanted*; None when there is nothing left to do."""
    if runs(world, wanted.release):
        return _after_the_switch(world, wanted, now)
    frozen = wanted.approval_needed and is_frozen(world, wanted, now)  # its answer is awaited until the freeze is over
    must_ask = frozen or not approved(world, wanted, now)
    migrates = wanted.code is not None and bool(pending(wanted.code, world.serving))
    if must_ask and (frozen or migrates or not wanted.ask_after_preview):
        return Step.ASK
    if world.pending:
        return Step.REPAIR
    if wanted.data_digest and world.data_digest != wanted.data_digest:
        return Step.INSTALL_DATA
    preview = world.stack(world.preview)
    size = world.active_stack.wanted if world.active_stack else {}
    is_installed = preview.release == wanted.release and preview.helm == "deployed" and not preview.is_half_installed
    if not is_installed or not preview.is_at_size(size):
        return Step.INSTALL_PREVIEW
    if not preview.is_ready:
        return Step.AWAIT_READY
    if world.active is None:
        return Step.ASK if must_ask else Step.INSTALL_ROUTER
    if not preview.is_proved:
        return Step.PROVE
    if wanted.end_to_end and not (preview.known and preview.known.cases_by == wanted.run):
        return Step.END_TO_END
    return Step.ASK if must_ask else Step.SWITCH


def _after_the_switch(world: World, wanted: Wanted, now: datetime) -> Step | None:
    last = world.last_switch
    if last is None:
        known = approved(world, wanted, now) or first_approval(world, wanted)
        return Step.SWITCH if known else Step.ASK
    if world.pending:
        return Step.REPAIR
    receipt = world.receipt_of(last.number)
    if receipt is None or receipt.verdict == "bad":
        return Step.WATCH
    if _is_recorded(world, wanted):
        return None
    may_record = same_router(world, wanted) or covers_what_is_left(world, wanted) or approved(world, wanted, now)
    return Step.RECORD_IN_HELM if may_record else Step.ASK


def _is_recorded(world: World, wanted: Wanted) -> bool:
    """Return True when Helm's record of the router matches the live Service and the wanted objects."""
    return (
        world.preview_points_at != world.active
        and world.router_helm == "deployed"
        and world.router_digest == f"{wanted.router_digest}/{world.active}"
    )


def same_router(world: World, wanted: Wanted) -> bool:
    """Return True when the router's objects match, color aside: an upgrade changes nothing for users."""
    return world.router_digest is not None and world.router_digest.partition("/")[0] == wanted.router_digest
