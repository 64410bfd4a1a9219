"""Tally of a request: whose approvals count, whose do not and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from azora.config.environment import ApprovalPolicy
from azora.core.cluster.freeze import Freeze
from azora.core.gate.approved import Answer, Approved
from azora.core.gate.request import Subject
from azora.core.gate.tally import Facts, Tally, tally_of
from azora.core.messages.tally_text import left_out, sentence, waiting_page, who_may
from azora.core.promotion.approval import Decision
from tests.support.gated import ADA, ANSWER, BOB, DEV, NOW, R2, digest

ITEMS = (R2, digest(2))
SUBJECT = Subject("run-1", "a" * 64, "b" * 64, NOW, ITEMS)
LATER = NOW + timedelta(hours=1)
REJECT = {"decision": Decision.REJECT}
FREEZE = Freeze("admin", NOW, NOW + timedelta(hours=20), "the sale of the year")


def policy(minimum: int = 1, **more: Any) -> ApprovalPolicy:
    people = {"users": [ADA, BOB, DEV]}
    return ApprovalPolicy.model_validate({"by": "cluster", "minimum": minimum, "approvers": people, **more})


def given(**change: Any) -> Answer:
    return ANSWER.model_copy(update={"items": ITEMS, **change})


def approved(*answers: tuple[str, Answer]) -> Approved:
    found = Approved()
    for who, answer in answers:
        found = found.with_answer(answer, who)
    return found


def counted(*answers: tuple[str, Answer], rules: ApprovalPolicy | None = None, **facts: Any) -> Tally:
    return tally_of(approved(*answers), SUBJECT, rules or policy(), Facts(**{"now": LATER, **facts}))


@pytest.mark.parametrize(
    ("minimum", "answers", "enough"),
    [
        pytest.param(1, [], False, id="nobody"),
        pytest.param(1, [(ADA, given())], True, id="one of one"),
        pytest.param(2, [(ADA, given())], False, id="one of two"),
        pytest.param(
            2,
            [(ADA, given()), (ADA, given(reason="once more"))],
            False,
            id="one person twice",
            marks=pytest.mark.attack("one person approves twice", by="the count of approvals in the cluster"),
        ),
        pytest.param(2, [(ADA, given()), (BOB, given())], True, id="two of two"),
        pytest.param(2, [(ADA, given()), (BOB, given()), (DEV, given())], True, id="three of two"),
        pytest.param(1, [(ADA, given()), (BOB, given(**REJECT))], False, id="one rejects"),
        pytest.param(1, [(ADA, given()), (ADA, given(**REJECT))], False, id="second thoughts"),
        pytest.param(1, [(ADA, given(run="run-2"))], False, id="another run"),
    ],
)
def test_enough_approvals(minimum: int, answers: list[tuple[str, Answer]], enough: bool) -> None:
    """Different people count, and no rejection is there."""
    assert counted(*answers, rules=policy(minimum)).is_enough is enough


def does_not_count(change: dict[str, Any], why: str, *, what: str) -> ParameterSet:
    """A case with its marker."""
    return pytest.param(
        change, why, id=what, marks=pytest.mark.attack(what, by="the count of approvals in the cluster")
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        does_not_count({"plan": "c" * 64}, "it is to plan cccccccccccc", what="an approval of another plan"),
        does_not_count(
            {"asked": NOW - timedelta(1)},
            "it is to an earlier request of the run",
            what="an approval of an earlier request",
        ),
        does_not_count(
            {"policy": "d" * 64}, "the environment's file changed", what="an approval by the rules of another file"
        ),
        does_not_count({"items": (R2,)}, "it covers only some of the images", what="an approval of some of the images"),
        does_not_count(
            {"expires_at": LATER}, "it expired at 2026-11-29 13:00 UTC", what="an approval that has expired"
        ),
        does_not_count(
            {"at": NOW - timedelta(hours=24), "expires_at": NOW + timedelta(days=900)},
            "it expired at 2026-11-29 12:00 UTC",
            what="an approval that the approver's machine wrote to last longer",
        ),
        does_not_count(
            {"at": LATER + timedelta(hours=1)}, "its time is in the future", what="an approval of the future"
        ),
        does_not_count(
            {"head": "9:" + "f" * 64},
            "it names another record than this one",
            what="an approval that names another record",
        ),
    ],
)
def test_approval_that_does_not_count(change: dict[str, Any], why: str) -> None:
    """The reason is in the tally, and in words."""
    found = counted((ADA, given(head="1:" + "0" * 64, **change) if "head" not in change else given(**change)),
                    heads={"1:" + "0" * 64})  # fmt: skip
    assert [voice.why for voice in found.left_out] == [why]
    assert left_out(found) == [f"the approval of {ADA} does not count: {why}"]
    assert not found.is_enough


def test_answer_that_was_used_up() -> None:
    """An answer of before the last approval of the run does not count again, nor does a rejection."""
    found = counted((ADA, given()), (BOB, given(**REJECT)), used=NOW)
    assert [voice.why for voice in found.left_out] == ["it was used up by an earlier attempt of the run"]
    assert found.rejections == ()


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        pytest.param({}, True, id="one person is enough"),
        pytest.param({"not_authors": True}, False, id="the file excludes authors"),
        pytest.param({"minimum": 2}, False, id="two people, by default"),
        pytest.param({"minimum": 2, "not_authors": False}, True, id="two people, and the file allows it"),
    ],
)
def test_author_of_a_commit(more: dict[str, Any], counts: bool) -> None:
    """An author of a commit does not approve it, where the file says so."""
    rules = policy(**more, people={"dev@example.org": DEV})
    found = counted((DEV, given()), rules=rules, authors=["dev@example.org"])
    assert bool(found.counted) is counts
    assert counts or found.left_out[0].why == "that person wrote one of the commits"


def test_right_that_was_taken_back() -> None:
    """A line of a person whom the file does not name any more does not count; members of groups are the cluster's matter."""
    strict = policy(approvers={"users": [BOB]})
    assert counted((ADA, given()), rules=strict).left_out[0].why == "the environment's file does not name that person"
    assert counted((ADA, given()), rules=policy(approvers={"users": [BOB], "groups": ["ops"]})).is_enough


def test_item_without_its_lines() -> None:
    """An item that was taken over needs no line; enough people and a refused item are not enough."""
    answers = approved((ADA, given(items=(R2,))))
    assert not tally_of(answers, SUBJECT, policy(), Facts(LATER)).is_enough
    assert tally_of(answers.with_standing([digest(2)], "admin"), SUBJECT, policy(), Facts(LATER)).is_enough


def test_rejection_without_the_right_plan() -> None:
    """A rejection of another plan does not end this one."""
    assert counted((ADA, given(**REJECT, plan="c" * 64))).rejections == ()


def test_person_with_two_plans() -> None:
    """The answer to this plan is the one that counts."""
    other = given(plan="c" * 64, at=LATER)
    assert counted((ADA, given()), (ADA, other)).is_enough


@pytest.mark.parametrize(("minimum", "hours"), [(1, 24), (2, 12)])
def test_expiry_of_several(minimum: int, hours: int) -> None:
    """Approvals hold together as long as there are enough."""
    short = given(expires_at=NOW + timedelta(hours=12))
    found = counted((ADA, given()), (BOB, short), rules=policy(minimum))
    assert found.expires_at == NOW + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        pytest.param([], "0 of 2 approvals: 2 more people", id="nobody"),
        pytest.param([(ADA, given())], f"1 of 2 approvals: 1 more person (approved by {ADA})", id="one"),
        pytest.param([(ADA, given()), (BOB, given())], f"approved by {ADA}, {BOB}", id="two"),
        pytest.param([(ADA, given()), (BOB, given(**REJECT))], f"rejected by {BOB}", id="rejected"),
    ],
)
def test_tally_in_words(answers: list[tuple[str, Answer]], text: str) -> None:
    """One line says what is missing."""
    assert sentence(counted(*answers, rules=policy(2))) == text


def test_page_of_a_waiting_run() -> None:
    """The page has what is missing, who can give it, the command, and that Resume does not approve."""
    found = counted((ADA, given(items=(R2,))), rules=policy(2))
    page = waiting_page(found, policy(2), "1f2e3d4c-0", "a" * 64)
    assert "0 of 2 approvals: 2 more people" in page
    assert "it covers only some of the images" in page
    assert "azora approve 1f2e3d4c --plan aaaaaaaaaaaa" in page
    assert "*Resume* on the run's page does not approve" in page
    assert who_may(policy(2)) == f"{ADA}, {BOB}, {DEV}, but no author of the commits"


@pytest.mark.parametrize(
    ("answers", "freeze", "texts"),
    [
        pytest.param([ADA, BOB], None, ["*Resume* on the run's page continues."], id="enough"),
        pytest.param(
            [ADA, BOB],
            FREEZE,
            ["⚠ Frozen until 2026-11-30 08:00 UTC. *Resume* on the run's page continues after the freeze."],
            id="enough, in a freeze",
        ),
        pytest.param([ADA], FREEZE, ["⚠ Frozen until 2026-11-30 08:00 UTC.", "azora approve"], id="one, in a freeze"),
    ],
)
def test_page_says_what_to_do(answers: list[str], freeze: Freeze | None, texts: list[str]) -> None:
    """A run with enough approvals, such as in a freeze, requests no more of them."""
    page = waiting_page(
        counted(*((who, given()) for who in answers), rules=policy(2)), policy(2), "run", "a" * 64, freeze
    )
    assert [text for text in texts if text not in page] == []
    assert ("azora approve" in page) is ("azora approve" in texts)


def test_odd_name_on_the_page() -> None:
    """A user of the cluster may be called like Markdown; the page shows the letters."""
    odd = "[x](http://example.org)"
    rules = policy(2, approvers={"users": [odd], "groups": ["ops"]})
    page = waiting_page(counted((odd, given()), rules=rules), rules, "run", "a" * 64)
    assert f"### 1 of 2 approvals: 1 more person (approved by `{odd}`)" in page
    assert f"May approve: `{odd}`, group `ops`, but" in page
    assert page.count(odd) == page.count(f"`{odd}`")
