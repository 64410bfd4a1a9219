"""The promotion's order as a table: the cluster's state on the left, the one next step on the right."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from azora.core.cluster.freeze import Act, Acts
from azora.core.cluster.record import Approval, Receipt, StackRecord
from azora.core.cluster.state import World
from azora.core.promotion.approval import approved
from azora.core.promotion.binding import bound_of
from azora.core.promotion.goal import Wanted
from azora.core.promotion.next_step import Step, next_step
from azora.core.release.migrations import Migration
from tests.support.worlds import (
    APPROVED,
    BLUE,
    BOOKED,
    EMPTY,
    GREEN,
    INSTALLED,
    NOW,
    PRODUCTION,
    PROVED,
    SERVING_OLD,
    SWITCHED,
    WATCHED,
    YES,
    stack,
    switched,
)

OPENED = replace(EMPTY, active=BLUE, service_version="1", stacks={BLUE: stack(BLUE, "new")}, data_digest="data")


def approval(plan: str) -> Approval:
    return YES.model_copy(update={"plan": plan})


def frozen(world: World, *exceptions: str, until: datetime = NOW + timedelta(hours=1)) -> World:
    """*world* with a freeze, and exceptions of it."""
    acts = [Act(kind="freeze", at=NOW, until=until, reason="the sale")]
    acts += [Act(kind="exception", at=NOW, reason="a fix", subject=subject) for subject in exceptions]
    return replace(world, freezes=Acts(tuple(acts)))


def tried_by(run: str) -> World:
    """PROVED, with the end-to-end cases run by *run*."""
    preview = PROVED.stack(GREEN)
    assert preview.record
    record = preview.record.model_copy(update={"cases": 12, "cases_by": run})
    return replace(PROVED, stacks={**PROVED.stacks, GREEN: replace(preview, record=record)})


def left_by_a_killed_helm(revision: int) -> World:
    """APPROVED, with pods of the new release in the preview, and *revision* in Helm.

    The record has the old release there, as revision 1.
    """
    preview = replace(stack(GREEN, "older"), release="new", label="new", revision=revision)
    return replace(APPROVED, stacks={**APPROVED.stacks, GREEN: preview})


STAGING = replace(PRODUCTION, approval_needed=False)
TRIED = replace(PRODUCTION, end_to_end=True)
AFTER = replace(PRODUCTION, ask_after_preview=True)
MIGRATING = StackRecord(release="new", revision=0, migrations=(Migration(revision="0002", phase="expand"),))


@pytest.mark.parametrize(
    ("world", "wanted", "step"),
    [
        pytest.param(EMPTY, PRODUCTION, Step.ASK, id="nothing is touched before an approval"),
        pytest.param(frozen(APPROVED), PRODUCTION, Step.ASK, id="nothing is touched in a freeze"),
        pytest.param(frozen(PROVED), PRODUCTION, Step.ASK, id="no switch in a freeze, although approved"),
        pytest.param(frozen(EMPTY), AFTER, Step.ASK, id="no preview in a freeze"),
        pytest.param(frozen(PROVED, until=NOW), PRODUCTION, Step.SWITCH, id="after a freeze"),
        pytest.param(
            frozen(replace(PROVED, approvals=(YES.model_copy(update={"run": "run-0001"}),)), "run-0001"),
            replace(PRODUCTION, run="run-0001"),
            Step.SWITCH,
            id="a run that a person lets through",
        ),
        pytest.param(frozen(SWITCHED), PRODUCTION, Step.WATCH, id="a switch is watched in a freeze"),
        pytest.param(frozen(WATCHED), PRODUCTION, Step.RECORD_IN_HELM, id="and recorded in Helm"),
        pytest.param(EMPTY, STAGING, Step.INSTALL_DATA, id="first release: databases"),
        pytest.param(replace(EMPTY, data_digest="data"), STAGING, Step.INSTALL_PREVIEW, id="first release: a stack"),
        pytest.param(
            replace(EMPTY, data_digest="data", pending=("azora-blue",)),
            STAGING,
            Step.REPAIR,
            id="leftovers are repaired first",
        ),
        pytest.param(
            replace(EMPTY, data_digest="data", stacks={BLUE: stack(BLUE, "new", proved=False)}),
            STAGING,
            Step.INSTALL_ROUTER,
            id="first release: the router comes last",
        ),
        pytest.param(SERVING_OLD, PRODUCTION, Step.ASK, id="a running environment needs an approval"),
        pytest.param(SERVING_OLD, STAGING, Step.INSTALL_PREVIEW, id="staging needs no approval"),
        pytest.param(APPROVED, PRODUCTION, Step.INSTALL_PREVIEW, id="after the approval"),
        pytest.param(replace(APPROVED, pending=("azora-green",)), PRODUCTION, Step.REPAIR, id="half-done after a kill"),
        pytest.param(left_by_a_killed_helm(1), PRODUCTION, Step.INSTALL_PREVIEW, id="half-done, and repaired"),
        pytest.param(left_by_a_killed_helm(2), PRODUCTION, Step.PROVE, id="installed, and not recorded"),
        pytest.param(
            replace(SERVING_OLD, pending=("azora-green",)),
            PRODUCTION,
            Step.ASK,
            id="even a repair waits for the approval",
        ),
        pytest.param(replace(APPROVED, data_digest="older"), PRODUCTION, Step.INSTALL_DATA, id="databases changed"),
        pytest.param(
            replace(INSTALLED, stacks={BLUE: stack(BLUE, "old"), GREEN: stack(GREEN, "new", helm="failed")}),
            PRODUCTION,
            Step.INSTALL_PREVIEW,
            id="a failed install is done again",
        ),
        pytest.param(
            replace(INSTALLED, stacks={BLUE: stack(BLUE, "old", wanted=5), GREEN: stack(GREEN, "new")}),
            PRODUCTION,
            Step.INSTALL_PREVIEW,
            id="a small preview grows to the active size",
        ),
        pytest.param(
            replace(INSTALLED, stacks={BLUE: stack(BLUE, "old"), GREEN: stack(GREEN, "new", ready=2)}),
            PRODUCTION,
            Step.AWAIT_READY,
            id="a preview that lost a pod is waited for, not switched to",
        ),
        pytest.param(INSTALLED, PRODUCTION, Step.PROVE, id="ready is not proved"),
        pytest.param(PROVED, PRODUCTION, Step.SWITCH, id="proved: switch"),
        pytest.param(PROVED, TRIED, Step.END_TO_END, id="the browser cases come before users"),
        pytest.param(tried_by("an older run"), TRIED, Step.END_TO_END, id="another run's browser cases do not count"),
        pytest.param(tried_by("run"), TRIED, Step.SWITCH, id="browser cases passed: switch"),
        pytest.param(
            replace(SERVING_OLD), AFTER, Step.INSTALL_PREVIEW, id="after_preview: install without an approval"
        ),
        pytest.param(replace(PROVED, approvals=()), AFTER, Step.ASK, id="after_preview: asked when proved"),
        pytest.param(PROVED, AFTER, Step.SWITCH, id="after_preview: approved, switch"),
        pytest.param(
            SERVING_OLD,
            replace(AFTER, code=MIGRATING),
            Step.ASK,
            id="after_preview: a migration waits for the approval",
        ),
        pytest.param(
            replace(
                SERVING_OLD,
                approvals=(approval(bound_of(SERVING_OLD, replace(AFTER, code=MIGRATING)).hash),),
            ),
            replace(AFTER, code=MIGRATING),
            Step.INSTALL_PREVIEW,
            id="after_preview: approved, migrate",
        ),
        pytest.param(SWITCHED, PRODUCTION, Step.WATCH, id="killed just after the switch: watched, not switched again"),
        pytest.param(
            replace(SWITCHED, receipts=(Receipt(number=2, verdict="bad"),)),
            PRODUCTION,
            Step.WATCH,
            id="found bad with nowhere to go back to: watched again",
        ),
        pytest.param(WATCHED, PRODUCTION, Step.RECORD_IN_HELM, id="watched: record"),
        pytest.param(
            replace(BOOKED, router_helm="failed"), PRODUCTION, Step.RECORD_IN_HELM, id="a failed booking is repaired"
        ),
        pytest.param(BOOKED, PRODUCTION, None, id="done"),
        pytest.param(
            BOOKED,
            replace(PRODUCTION, run="another", router_digest="other hosts"),
            Step.ASK,
            id="a router that changed since is no bookkeeping",
        ),
        pytest.param(
            WATCHED,
            replace(PRODUCTION, router_digest="other hosts"),
            Step.ASK,
            id="the environment's file was edited after the switch",
        ),
        pytest.param(
            BOOKED, replace(STAGING, router_digest="other hosts"), Step.RECORD_IN_HELM, id="where nobody is asked it is"
        ),
        pytest.param(
            replace(BOOKED, preview_points_at=GREEN),
            replace(PRODUCTION, run="another"),
            Step.RECORD_IN_HELM,
            id="what another run left to record",
        ),
        pytest.param(OPENED, STAGING, Step.SWITCH, id="first release: the log gets its first entry"),
        pytest.param(OPENED, PRODUCTION, Step.ASK, id="a router that somebody made by hand: nobody approved it"),
        pytest.param(
            replace(OPENED, approvals=(approval(bound_of(EMPTY, PRODUCTION).hash),)),
            PRODUCTION,
            Step.SWITCH,
            id="first release: by the approval of before anybody was served",
        ),
        pytest.param(replace(BOOKED, approvals=()), PRODUCTION, None, id="what runs already needs no approval"),
    ],
)
def test_next_step(world: World, wanted: Wanted, step: Step | None) -> None:
    """The state of the cluster alone decides the one next step."""
    assert next_step(world, wanted, NOW) is step


@pytest.mark.parametrize(
    ("world", "holds"),
    [
        pytest.param(APPROVED, True, id="as it was shown"),
        pytest.param(
            replace(APPROVED, approvals=(YES.model_copy(update={"run": "another"}),)), False, id="another run's"
        ),
        pytest.param(replace(APPROVED, approvals=(approval("another"),)), False, id="another plan"),
        pytest.param(
            replace(APPROVED, approvals=(YES.model_copy(update={"ended": "could not promote"}),)), False, id="used up"
        ),
        pytest.param(replace(APPROVED, approvals=(YES.model_copy(update={"expires_at": NOW}),)), False, id="expired"),
        pytest.param(
            replace(APPROVED, stacks={BLUE: stack(BLUE, "hotfix")}), False, id="users run something else by now"
        ),
        pytest.param(
            replace(APPROVED, switches=(*APPROVED.switches, switched(2, "x", GREEN), switched(3, "old", BLUE))),
            False,
            id="users switched there and back",
        ),
        pytest.param(
            replace(APPROVED, switches=(switched(1, "old", BLUE, approval=YES.id),)), False, id="used already"
        ),
    ],
)
def test_approval_that_holds(world: World, *, holds: bool) -> None:
    """An approval holds for its run and its plan, once, and until it expires."""
    assert approved(world, PRODUCTION, NOW) is holds


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"environment": "qa"}, ["the environment is qa, not production"], id="environment"),
        pytest.param({"release": "newer"}, ["the release is newer, not new"], id="release"),
        pytest.param({"policy": "other"}, ["the file of production changed"], id="policy"),
        pytest.param({"router_digest": "other"}, ["the router's objects changed"], id="router"),
        pytest.param({"code": MIGRATING}, ["the migrations to run are 0002, not none"], id="migrations"),
        pytest.param({"run": "another"}, [], id="who does it does not matter"),
        pytest.param({"data_digest": "other"}, [], id="nor do the databases' objects"),
    ],
)
def test_bound_parts_of_the_plan(change: dict[str, object], said: list[str]) -> None:
    """A change of any bound part makes another plan, and the difference is named."""
    before, later = bound_of(SERVING_OLD, PRODUCTION), bound_of(SERVING_OLD, replace(PRODUCTION, **change))  # type: ignore[arg-type]
    assert before.differences(later) == said
    assert (before.hash == later.hash) is not bool(said)


def test_bound_state_of_the_environment() -> None:
    """A traffic switch makes another plan; an autoscaler, a preview or a receipt does not."""
    before = bound_of(SERVING_OLD, PRODUCTION)
    assert before.differences(bound_of(SWITCHED, PRODUCTION)) == [
        "the active release is new (green), not old (blue)",
        "the active color is green, not blue",
        "the last switch is number 2, not 1",
    ]
    scaled = replace(SERVING_OLD, stacks={BLUE: stack(BLUE, "old", wanted=9, ready=9), GREEN: stack(GREEN, "x")})
    assert bound_of(scaled, PRODUCTION) == bound_of(replace(SERVING_OLD, receipts=()), PRODUCTION) == before
