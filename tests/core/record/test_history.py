"""The history: each request or act as one line, people's time and machines' time apart."""

from __future__ import annotations

from datetime import timedelta

import pytest

from azora.core.colors import Color
from azora.core.record.entry import entry_of
from azora.core.record.events import (
    GATE,
    OFF,
    Ended,
    Event,
    Expired,
    Frozen,
    Overridden,
    PolicyChanged,
    PreviewRemoved,
    Received,
    Refused,
    Rejected,
    Superseded,
    Switched,
    Switching,
)
from azora.core.record.history import Act, history_of
from azora.core.record.seen import FILE
from tests.support.chains import APPROVED, ASKED, AT, GOOD, PROMOTION, ROLLBACK, chain, whole

ASK, YES = (ASKED, 4, "run", "run", ""), (APPROVED, 34, "ada", "run", "it is time")
AGAIN = ASKED.model_copy(update={"plan": "b" * 64})
NO = Rejected(release=ASKED.release, plan=ASKED.plan, given_at=AT + timedelta(minutes=9))
GONE = Expired(what="request", release=ASKED.release, plan=ASKED.plan)
GAVE_WAY = (
    Superseded(key=ASKED.key, release=ASKED.release, plan=ASKED.plan, by_run="newer", by_release="r"), 9, "newer", "run", "newer"
)  # fmt: skip
REMOVED = (
    PreviewRemoved(color=Color.GREEN, release=ASKED.release, installed_at=AT), 10, "run", "run", "its run is over"
)  # fmt: skip
ANEW = (ASKED.model_copy(update={"key": "another"}), 10, "run", "run", "")
BAD = GOOD.model_copy(update={"verdict": "bad", "reason": "3 requests failed"})
BACK = PROMOTION.model_copy(update={"number": 3, "kind": "return", "release": "old"})
STARTED = (Switching(switch=PROMOTION), 36, "run", "run", "")
LATER = (Switching(switch=PROMOTION.model_copy(update={"at": AT + timedelta(minutes=40)})), 40, "run", "run", "")
MADE = (Switched(switch=PROMOTION), 36, "run", "run", "")


def of(*acts: tuple[Event, int, str, str, str]) -> list[Act]:
    return history_of(entry_of(line) for line in chain(*acts))


def test_promotion_and_rollback() -> None:
    """The lines name the person, the act and the reason; 30 minutes of people, 7 of machines; the rollback took half a second."""
    promotion, rollback = history_of(entry_of(line) for line in whole())
    assert (promotion.what, promotion.outcome, promotion.people, promotion.why) == (
        "promotion",
        "promoted",
        ("ada",),
        "it is time",
    )
    assert (promotion.waiting, promotion.working) == (timedelta(minutes=30), timedelta(minutes=7))
    assert (promotion.switch, promotion.commit, promotion.entries) == (2, PROMOTION.commit, (2, 6))
    assert (rollback.what, rollback.outcome, rollback.people, rollback.why) == (
        "rollback",
        "rolled back",
        ("grace",),
        "carts are empty",
    )
    assert (rollback.waiting, rollback.working) == (None, timedelta(seconds=0.5))


@pytest.mark.parametrize(
    ("acts", "outcomes"),
    [
        pytest.param([ASK], ["waits for an approval"], id="waits"),
        pytest.param([ASK, YES], ["approved"], id="approved"),
        pytest.param([ASK, (NO, 9, "ada", "run", "not now")], ["rejected"], id="rejected"),
        pytest.param([ASK, (GONE, 5000, "azora", "run", "")], ["not answered"], id="not answered"),
        pytest.param([ASK, GAVE_WAY], ["superseded"], id="superseded"),
        pytest.param([ASK, GAVE_WAY, REMOVED], ["superseded; its preview was removed"], id="superseded, preview removed"),
        pytest.param([ASK, (NO, 9, "ada", "run", ""), REMOVED], ["rejected; its preview was removed"], id="rejected, preview removed"),
        pytest.param([ASK, GAVE_WAY, ANEW], ["superseded", "waits for an approval"], id="superseded, and requested anew"),
        pytest.param([ASK, (AGAIN, 9, "run", "run", "")], ["replaced by another request", "waits for an approval"], id="another plan"),
        pytest.param([ASK, ASK], ["waits for an approval"], id="asked again for the same plan"),
        pytest.param([ASK, YES, (Ended(approval="run/key"), 40, "run", "run", "no pods")], ["failed: no pods"], id="failed"),
        pytest.param([ASK, YES, STARTED], ["not made"], id="crashed before the switch"),
        pytest.param([ASK, YES, STARTED, LATER, MADE], ["switched"], id="tried again after a crash"),
        pytest.param([ASK, YES, STARTED, MADE], ["switched"], id="crashed after the switch"),
        pytest.param(
            [ASK, YES, STARTED, MADE, (Received(receipt=BAD), 37, "run", "run", ""), (Switched(switch=BACK), 37, "run", "run", "")],
            ["bad: 3 requests failed", "returned automatically"], id="automatic rollback",
        ),
        pytest.param([STARTED, MADE, (Received(receipt=GOOD), 37, "run", "run", "")], ["promoted"], id="no approval needed"),
        pytest.param([(Refused(what="switch"), 5, "eve", "", "it has no approval here")], ["refused"], id="refused"),
        pytest.param([(Frozen(until=AT), 5, "ada", "", "holidays")], ["until 2026-11-29 09:00 UTC"], id="frozen"),
        pytest.param([(Frozen(until=None), 5, "ada", "", "")], ["lifted"], id="freeze lifted"),
        pytest.param(
            [(Overridden(where="Service shop"), 5, "olga", "", "asleep")],
            ["Service shop changed without an approval"], id="override of the gate",
        ),
        pytest.param(
            [(Overridden(rule="freeze", where="3f2a1c9b0d4e"), 5, "olga", "", "a fix")],
            ["3f2a1c9b0d4e may go in the freeze"], id="exception of a freeze",
        ),
        pytest.param([(PolicyChanged(what=GATE, before=OFF, after="a"), 5, "x", "", "")], ["the gate is on"], id="gate on"),
        pytest.param([(PolicyChanged(what=GATE, before="a", after=OFF), 5, "x", "", "")], ["the gate is off"], id="off"),
        pytest.param([(PolicyChanged(what=GATE, before="a", after="b"), 5, "x", "", "")], ["the gate changed"], id="marks"),
        pytest.param(
            [(PolicyChanged(what=FILE, before="a", after="b"), 5, "x", "", "")],
            ["the environment's file changed"], id="file changed",
        ),
    ],
)  # fmt: skip
def test_outcome(acts: list[tuple[Event, int, str, str, str]], outcomes: list[str]) -> None:
    """Each outcome has its words."""
    assert [act.outcome for act in of(*acts)] == outcomes


def test_time_that_is_not_over() -> None:
    """Neither people's nor machines' time is given while it runs."""
    (waits,) = of(ASK)
    assert (waits.waiting, waits.working) == (None, None)
    (approved,) = of(ASK, YES)
    assert (approved.waiting, approved.working) == (timedelta(minutes=30), None)


def test_request_made_anew() -> None:
    """People's time with a request that became void is not the machines' time of the next one."""
    yes = APPROVED.model_copy(update={"plan": AGAIN.plan, "given_at": AT + timedelta(minutes=70)})
    moved = PROMOTION.model_copy(update={"at": AT + timedelta(minutes=71)})
    made = [(Switching(switch=moved), 71, "run", "run", ""), (Switched(switch=moved), 71, "run", "run", "")]
    void, act = of(ASK, (AGAIN, 64, "run", "run", ""), (yes, 70, "ada", "run", "it is time"), *made)
    assert (void.waiting, void.working) == (timedelta(minutes=60), None)
    assert (act.waiting, act.working) == (timedelta(minutes=6), timedelta(minutes=1))


def test_several_approvers() -> None:
    """The waiting time ends with the last of them."""
    second = APPROVED.model_copy(update={"approval": "run/two", "given_at": AT + timedelta(minutes=64)})
    (act,) = of(ASK, YES, (second, 64, "grace", "run", "as ada says"))
    assert (act.people, act.waiting) == (("ada", "grace"), timedelta(hours=1))


def test_person_of_a_rollback() -> None:
    """A run that acts by itself is no person."""
    (act,) = of((Switched(switch=ROLLBACK), 120, "run", "run", ""))
    assert act.people == ()
