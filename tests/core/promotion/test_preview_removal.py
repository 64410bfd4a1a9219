"""A preview that anybody may use is never removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from azora.core.cluster.record import PreviewRecord, Question
from azora.core.cluster.state import Stack, World
from azora.core.promotion.preview_removal import why_kept
from tests.support.worlds import BLUE, BOOKED, EMPTY, GREEN, NOW, PROVED, YES, stack, switched

PREVIEW = PreviewRecord(run="run", release="new", color=GREEN, at=NOW)
REJECTED = replace(PROVED, approvals=(YES.model_copy(update={"ended": "the run ended as Rejected"}),))
WAITS = Question(run="other", release="new", plan="p", at=NOW, until=NOW + timedelta(hours=1))
OVER = replace(BOOKED, active=BLUE, switches=(*BOOKED.switches, switched(3, "old", BLUE)))


def green(found: Stack) -> World:
    return replace(REJECTED, stacks={**REJECTED.stacks, GREEN: found})


@pytest.mark.parametrize(
    ("world", "kept"),
    [
        pytest.param(REJECTED, None, id="rejected"),
        pytest.param(replace(EMPTY, stacks={GREEN: stack(GREEN, "new")}), None, id="of a first release"),
        pytest.param(green(stack(GREEN, "new", helm="failed", ready=0)), None, id="failed"),
        pytest.param(green(Stack(GREEN, None, "pending-upgrade", 2)), None, id="killed half-way"),
        pytest.param(green(Stack(GREEN)), None, id="removed already: the note is taken out"),
        pytest.param(BOOKED, "users reach green", id="active"),
        pytest.param(replace(REJECTED, active=GREEN), "changed manually", id="drifted to it"),
        pytest.param(green(stack(GREEN, "older")), "runs another release: older", id="Helm failed before it changed anything"),
        pytest.param(OVER, "a rollback returns to it: new", id="served, and was rolled back"),
        pytest.param(replace(REJECTED, questions=(WAITS,)), "run other may go on with it", id="another run waits with it"),
        pytest.param(replace(REJECTED, questions=(WAITS.model_copy(update={"until": NOW}),)), None, id="waited too long"),
        pytest.param(replace(REJECTED, questions=(WAITS.model_copy(update={"release": "newer"}),)), None, id="another release waits"),
        pytest.param(PROVED, "run run may go on with it", id="killed, and its approval counts"),
        pytest.param(replace(PROVED, approvals=(YES.model_copy(update={"expires_at": NOW}),)), None, id="killed, approval expired"),
    ],
)  # fmt: skip
def test_why_kept(world: World, kept: str | None) -> None:
    """A preview is removed when its run is over, and no user, rollback, request or approval needs it."""
    found = why_kept(world, PREVIEW, NOW)
    assert found is None if kept is None else kept in str(found)
