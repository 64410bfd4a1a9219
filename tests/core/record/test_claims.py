"""Claims of a record: hashes of what was shown, and approvals that a switch rests on."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from azora.core.record.chain import broken_link
from azora.core.record.claims import first_fault
from azora.core.record.events import Begun, Ended, Event, Superseded, Switching
from azora.core.release.release import canonical
from tests.support.chains import APPROVED, ASKED, AT, PROMOTION, ROLLBACK, chain, whole

ASK, YES = (ASKED, 4, "run", "run", ""), (APPROVED, 34, "ada", "run", "it is time")
GAVE_WAY = (
    Superseded(key=ASKED.key, release=ASKED.release, plan=ASKED.plan, by_run="newer", by_release="r"), 5, "newer", "run", ""
)  # fmt: skip
ANEW = (ASKED.model_copy(update={"key": "another"}), 6, "run", "run", "")
SWITCH = (Switching(switch=PROMOTION), 36, "run", "run", "")
LATE = PROMOTION.model_copy(update={"at": AT + timedelta(hours=25)})
AGAIN = PROMOTION.model_copy(update={"number": 3})
ELSEWHERE = PROMOTION.model_copy(update={"release": "other"})
BEFORE = ROLLBACK.model_copy(update={"approval": "from before the record"})


def found(lines: list[str]) -> str:
    assert broken_link(lines, {}) is None
    false = first_fault(lines, {})
    return false.reason if false else ""


@pytest.mark.parametrize(
    ("acts", "reason"),
    [
        pytest.param([(ASKED.model_copy(update={"plan": "a" * 64}), 4, "run", "run", "")], "entry 2 names plan aaaaaaaaaaaa", id="plan hash"),
        pytest.param(
            [(ASKED.model_copy(update={"contents": {**ASKED.contents, "commit": "f" * 40}}), 4, "run", "run", "")],
            "entry 2 names release", id="contents of the release",
        ),
        pytest.param([YES], "which no entry requests", id="answer to no request"),
        pytest.param(
            [ASK, (APPROVED.model_copy(update={"saw": "2:" + "0" * 64}), 34, "ada", "run", "")], "saw another record", id="head"
        ),
        pytest.param(
            [ASK, (APPROVED.model_copy(update={"saw": "9:" + "0" * 64}), 34, "ada", "run", "")], "saw another record", id="later head"
        ),
        pytest.param([ASK, GAVE_WAY, YES], "whose request a newer one had replaced", id="superseded"),
        pytest.param([ASK, SWITCH], "by the approval 'run/key', which no entry before it gives", id="no approval"),
        pytest.param([ASK, YES, (Switching(switch=ELSEWHERE), 36, "run", "run", "")], "to release other", id="another release"),
        pytest.param([ASK, YES, (Switching(switch=LATE), 1500, "run", "run", "")], "had expired", id="expired"),
        pytest.param([ASK, YES, (Ended(approval="run/key"), 35, "run", "run", "failed"), SWITCH], "had ended", id="ended"),
        pytest.param([ASK, YES, SWITCH, (Switching(switch=AGAIN), 40, "run", "run", "")], "that switch 2 used up", id="used twice"),
    ],
)  # fmt: skip
def test_false_claim(acts: list[tuple[Event, int, str, str, str]], reason: str) -> None:
    """A claim that does not hold is named, also where the chain holds."""
    assert reason in found(chain(*acts))


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(whole(), id="promotion and rollback"),
        pytest.param(chain(ASK, YES, SWITCH, SWITCH), id="a switch that was tried twice"),
        pytest.param(chain(ASK, GAVE_WAY, ANEW, YES), id="requested anew after it was superseded"),
        pytest.param(
            chain((Begun(approvals=("from before the record",)), 0, "run", "run", ""), (Switching(switch=BEFORE), 40, "grace", "", ""), begun=False),
            id="an approval from before the record",
        ),
    ],
)  # fmt: skip
def test_claims_that_hold(lines: list[str]) -> None:
    """Nothing is named where all holds."""
    assert found(lines) == ""


def test_entry_without_its_fields() -> None:
    """An entry that lacks what its kind has is named, and nothing is raised."""
    (first,) = chain()
    bare = canonical(json.loads(first) | {"event": {"kind": "switching"}})
    assert "entry 1 lacks fields of its kind" in found([bare])
