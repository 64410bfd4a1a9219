"""Where a rollback goes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from azora.colors import Color
from azora.errors import BadInput
from azora.gateways.rollback import target_of
from azora.record import Receipt
from azora.world import World
from tests.unit.test_bluegreen import BLUE, BOOKED, GREEN, SERVING_OLD, stack, switched

THIRD = switched(3, "newer", BLUE)


@pytest.mark.parametrize(
    ("world", "revision", "target"),
    [
        pytest.param(BOOKED, None, BLUE, id="the old stack is up: its color"),
        pytest.param(
            replace(BOOKED, stacks={**BOOKED.stacks, BLUE: stack(BLUE, "never approved")}),
            None,
            "old",
            id="what waits in the preview is not what served before",
        ),
        pytest.param(
            replace(BOOKED, stacks={**BOOKED.stacks, BLUE: stack(BLUE, "old", ready=0)}),
            None,
            "old",
            id="old stack is not ready: bring it up",
        ),
        pytest.param(BOOKED, 1, BLUE, id="by number"),
        pytest.param(
            replace(
                BOOKED,
                active=BLUE,
                stacks={BLUE: stack(BLUE, "newer"), GREEN: stack(GREEN, "new")},
                switches=(*BOOKED.switches, THIRD),
            ),
            1,
            "old",
            id="by number, long gone",
        ),
        pytest.param(
            replace(
                BOOKED,
                active=BLUE,
                stacks={BLUE: stack(BLUE, "newer"), GREEN: stack(GREEN, "new")},
                switches=(*BOOKED.switches, THIRD),
                receipts=(Receipt(number=2, verdict="bad"),),
            ),
            None,
            "old",
            id="not to what was found bad",
        ),
        pytest.param(replace(BOOKED, active=BLUE), None, GREEN, id="somebody edited the live Service"),
        pytest.param(replace(BOOKED, active=None), None, GREEN, id="somebody made the live Service select no color"),
    ],
)
def test_target(world: World, revision: int | None, target: Color | str) -> None:
    assert target_of(world, revision) == target


@pytest.mark.parametrize("revision", [None, 7])
def test_nothing_to_go_back_to_is_told(revision: int | None) -> None:
    with pytest.raises(BadInput):
        target_of(SERVING_OLD, revision)
