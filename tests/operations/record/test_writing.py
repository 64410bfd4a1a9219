"""Switches and rollbacks in the record, also when the record cannot be written."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from azora.core.cluster.record import Receipt, Switch
from azora.core.cluster.state import World
from azora.core.record.chain import Head, head_of
from azora.core.record.events import Begun, Received, Refused, Switched, Switching
from azora.errors import Conflict, LeaseLost, Unreachable
from azora.errors import Refused as RefusedError
from azora.operations import rollback
from azora.operations.record import writing
from azora.operations.rollback import roll_back, switch_users
from tests.support.clusters import STAGING, Remembered
from tests.support.worlds import BLUE, BOOKED, GREEN, NOW, SWITCHED, stack, switched

AWAY = Unreachable("could not reach the API server: refused")
FORTH = BOOKED.switch_to(stack(BLUE, "old"), "promotion", by="run", at=NOW, came_from=GREEN)
BACK = FORTH.model_copy(update={"kind": "rollback", "by": "ada"})
SETTINGS: Any = None


class Watched(Remembered):
    """A namespace that remembers what the log had when users were moved, and the head in that patch."""

    def switch(self, world: World, entry: Switch, head: Head | None = None) -> None:
        super().switch(world, entry, head)
        self.heads = (head, head_of(self.log.lines()))

    def keep_head(self, head: Head) -> None:
        self.kept = head


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Watched:
    found = Watched(BOOKED)
    monkeypatch.setattr(rollback, "connect", lambda *_: found)
    monkeypatch.setattr(rollback, "held", lambda *_, **__: nullcontext())
    return found


def test_entries_of_a_promotion(cluster: Watched) -> None:
    """The entry comes before the switch, whose patch carries its head; another one says that it was made."""
    writing.switch(cluster, BOOKED, FORTH)
    assert cluster.log.events == [
        Begun(switch=2, approvals=("run/production-1-1",)),
        Switching(switch=FORTH),
        Switched(switch=FORTH),
    ]
    assert cluster.heads == (head_of(cluster.log.lines()[:2]),) * 2


def test_promotion_without_a_record(cluster: Watched) -> None:
    """No user is moved by a promotion that cannot be recorded."""
    cluster.log.error = AWAY
    with pytest.raises(Unreachable):
        writing.switch(cluster, BOOKED, FORTH)
    assert cluster.moved == []


def test_entries_of_a_rollback(cluster: Watched) -> None:
    """Users are moved first, without a request to the record; the live Service gets the head after the entry."""
    entry = roll_back(STAGING, None, SETTINGS, by="ada", why="carts are empty")
    (_, made) = cluster.log.events
    assert isinstance(made, Switched)
    assert (made.switch, made.seconds is not None) == (entry, True)
    assert cluster.heads[0] is None
    assert cluster.heads[1].number == 0
    assert cluster.kept == head_of(cluster.log.lines())


def test_rollback_that_would_install(cluster: Watched) -> None:
    """A user who may not read Helm's Secrets installs nothing, and moves nobody."""
    cluster.world = replace(BOOKED, stacks={GREEN: BOOKED.stack(GREEN)}, helm_is_known=False)
    with pytest.raises(RefusedError, match="could not install a release in staging"):
        roll_back(STAGING, None, SETTINGS, by="ada")
    assert cluster.moved == []


def test_rollback_without_a_record(cluster: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """A rollback is made although its entry cannot be written; a warning says so, and what to do."""
    cluster.log.error = AWAY
    with caplog.at_level(logging.WARNING, "azora.record"):
        assert roll_back(STAGING, None, SETTINGS, by="ada").to is BLUE
    assert [one.to for one in cluster.moved] == [BLUE]
    assert "rollback 3 of staging is not in the record: could not reach the API server" in caplog.text
    assert "`azora verify staging`" in caplog.text


def test_rollback_that_was_not_recorded(cluster: Watched) -> None:
    """The next switch adds what the live Service's log has and the record lacks, once."""
    writing.switch(cluster, SWITCHED, BOOKED.switches[-1])
    later = replace(BOOKED, switches=(*BOOKED.switches, BACK))
    forth = later.switch_to(stack(GREEN, "new"), "promotion", by="run", at=NOW, came_from=BLUE)
    for _ in range(2):
        writing.switch(cluster, later, forth)
    found = [event for event in cluster.log.events if isinstance(event, Switched) and event.found]
    assert [one.switch for one in found] == [BACK]


def test_switch_that_lost_the_race(cluster: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """A switch that another one overtook has no entry that it was made."""

    def lost(*_: object) -> None:
        raise Conflict("could not change it: it moved")

    monkeypatch.setattr(cluster, "switch", lost)
    with pytest.raises(Conflict):
        writing.switch(cluster, BOOKED, FORTH)
    assert [event.kind for event in cluster.log.events] == ["begun", "switching"]


def test_receipt(cluster: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """A receipt is for `status` and in the record; that it is not in the record is a warning."""
    writing.receipt(cluster, Receipt(number=2, verdict="good"), run="run")
    assert cluster.log.events[-1] == Received(receipt=Receipt(number=2, verdict="good"))
    cluster.log.error = AWAY
    writing.receipt(cluster, Receipt(number=3, verdict="good"), run="run")
    assert "the receipt of switch 3 of staging is not in the record" in caplog.text


def test_refused_attempt(cluster: Watched) -> None:
    """A person's refused switch is recorded, each time; where there is no record yet, none begins."""
    world = replace(BOOKED, stacks={**BOOKED.stacks, BLUE: stack(BLUE, "old", proved=False)})
    cluster.world = world
    with pytest.raises(RefusedError):
        switch_users(STAGING, BLUE, SETTINGS, by="eve")
    assert cluster.log.events == []
    writing.receipt(cluster, Receipt(number=2, verdict="good"), run="run")
    for _ in range(2):
        with pytest.raises(RefusedError):
            switch_users(STAGING, BLUE, SETTINGS, by="eve")
    assert cluster.log.events[2:] == [Refused(what="switch")] * 2
    assert '"who":"eve"' in cluster.log.lines()[-1]
    assert "which is not proved here" in cluster.log.lines()[-1]


def test_lost_lease(cluster: Watched) -> None:
    """A promotion that a rollback preempted was not refused."""
    writing.receipt(cluster, Receipt(number=2, verdict="good"), run="run")
    with pytest.raises(LeaseLost), writing.refusals(cluster, "promotion", who="run"):
        raise LeaseLost("could not go on")
    assert len(cluster.log.events) == 2


def test_refusal_that_cannot_be_recorded(cluster: Watched) -> None:
    """The refusal is what its caller gets."""
    writing.receipt(cluster, Receipt(number=2, verdict="good"), run="run")
    cluster.log.error = AWAY
    with pytest.raises(RefusedError, match="no"), writing.refusals(cluster, "promotion", who="run"):
        raise RefusedError("no")


def test_entry_of_a_run() -> None:
    """An act of a run has the run's id; that of a person has none."""
    run = "0b8e7c7e-95a5-4c3e-9c3e-2f1f3b1f0a11"
    cluster = Remembered(BOOKED)
    for by in (run, "ada"):
        writing.switch(cluster, BOOKED, switched(3, "old", BLUE).model_copy(update={"kind": "rollback", "by": by}))
    assert [line.count(f'"run":"{run}"') for line in cluster.log.lines()] == [1, 1, 0]
