"""Target of a rollback."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from prefect.logging import disable_run_logger

from azora.core.cluster.record import Receipt, Switch
from azora.core.cluster.state import World
from azora.core.colors import Color
from azora.core.promotion.rollback_target import target_of
from azora.core.record.chain import Head
from azora.errors import BadInput, Refused, Unreachable
from azora.gateways.kubernetes.record_store import RECORD
from azora.operations import rollback
from tasks.rollback import go_back
from tests.support.clusters import ConfigMaps, Remembered
from tests.support.worlds import BLUE, BOOKED, GREEN, SERVING_OLD, stack, switched

THIRD = switched(3, "newer", BLUE)


def rolled_back(number: int, release: str, to: Color) -> Switch:
    return switched(number, release, to).model_copy(update={"kind": "rollback"})


BACK = replace(BOOKED, active=BLUE, switches=(*BOOKED.switches, rolled_back(3, "old", BLUE)))
FORTH = replace(BOOKED, switches=(*BACK.switches, rolled_back(4, "new", GREEN)))


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
        pytest.param(
            replace(
                BOOKED,
                active=BLUE,
                stacks={BLUE: stack(BLUE, "newer"), GREEN: stack(GREEN, "new")},
                switches=(*BOOKED.switches, THIRD, switched(4, "new", GREEN), switched(5, "newer", BLUE)),
                receipts=(Receipt(number=2, verdict="good"), Receipt(number=4, verdict="bad")),
            ),
            None,
            "old",
            id="not to what was found bad the last time",
        ),
        pytest.param(BACK, 2, GREEN, id="the rollback undone, by number"),
        pytest.param(FORTH, None, BLUE, id="back after that"),
        pytest.param(replace(BACK, active=GREEN), None, BLUE, id="rolled back, then somebody edited the live Service"),
        pytest.param(
            replace(BACK, active=GREEN, switches=(*BACK.switches, switched(4, "new", GREEN))),
            None,
            BLUE,
            id="the same release once more",
        ),
        pytest.param(
            replace(BOOKED, switches=(*BOOKED.switches, rolled_back(3, "new", GREEN))),
            None,
            BLUE,
            id="a rollback mended a drift",
        ),
        pytest.param(replace(BOOKED, active=BLUE), None, GREEN, id="somebody edited the live Service"),
        pytest.param(replace(BOOKED, active=None), None, GREEN, id="somebody made the live Service select no color"),
        pytest.param(
            replace(BOOKED, selected_release="another"), None, GREEN, id="somebody made it select another release"
        ),
    ],
)
def test_rollback_target(world: World, revision: int | None, target: Color | str) -> None:
    """A rollback goes to what last served users well, or to the numbered switch."""
    assert target_of("shop", world, revision) == target


@pytest.mark.parametrize("revision", [None, 7])
def test_rollback_without_a_target(revision: int | None) -> None:
    """A rollback with no target is refused."""
    with pytest.raises(BadInput):
        target_of("shop", SERVING_OLD, revision)


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(BACK, id="at once"),
        pytest.param(
            replace(BACK, switches=(*BACK.switches, rolled_back(4, "old", BLUE))), id="after a drift that was mended"
        ),
    ],
)
def test_second_rollback(world: World) -> None:
    """A second rollback is refused, and the error has the command that undoes the first one."""
    with pytest.raises(
        Refused, match=r"already, from release new to old \(switch 3, 2026-11-24 12:00 UTC by run\)"
    ) as said:
        target_of("shop", world, None)
    assert said.value.advice == "undo the rollback: `azora rollback shop 2` (release new)"


def test_second_rollback_with_older_switches() -> None:
    """The refusal has the command that rolls back further."""
    oldest = switched(1, "oldest", GREEN)
    switches = tuple(switch.model_copy(update={"number": switch.number + 1}) for switch in BACK.switches)
    with pytest.raises(Refused) as said:
        target_of("shop", replace(BACK, switches=(oldest, *switches)), None)
    assert said.value.advice.startswith("further back: `azora rollback shop 1` (release oldest); undo the rollback")


class Interrupted(ConfigMaps):
    """An API server that is away for the first write of the record."""

    def patch(self, path: str, body: dict[str, Any]) -> None:
        if not self.objects[RECORD]:
            self.objects[RECORD]["tried"] = "once"
            raise Unreachable("could not write the record: connection refused")
        super().patch(path, body)


class Switching(Remembered):
    """A namespace whose switch is seen by the next look."""

    def switch(self, world: World, entry: Switch, head: Head | None = None) -> None:
        super().switch(world, entry, head)
        self.world = replace(world, active=entry.to, switches=(*world.switches, entry))


@pytest.mark.parametrize("revision", [None, 1])
def test_rollback_that_is_retried(revision: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry after a lost answer does not switch a second time."""
    cluster = Switching(BOOKED, api=Interrupted())
    monkeypatch.setattr(rollback, "connect", lambda *_: cluster)
    monkeypatch.setattr(rollback, "held", lambda *_, **__: nullcontext())
    with disable_run_logger():
        with pytest.raises(Unreachable):
            go_back.fn("staging", revision)
        go_back.fn("staging", revision)
    assert [move.to for move in cluster.moved] == [BLUE]
