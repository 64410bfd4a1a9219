"""Lines of azora-approved: what counts, and what a person writes there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from azora.core.gate.approved import Answer, Approved
from azora.core.promotion.approval import Decision
from azora.errors import BadInput
from tests.support.gated import ADA, ANSWER, BOB, NOW, R1, R2, digest


@pytest.mark.parametrize(
    ("data", "minimum", "counts"),
    [
        pytest.param({}, 1, False, id="nothing"),
        pytest.param({"approved": f"{R2} {ADA}"}, 1, True, id="one of one"),
        pytest.param({"approved": f"{R2} {ADA}"}, 2, False, id="one of two"),
        pytest.param({"approved": f"{R2} {ADA}\n{R2} {BOB}"}, 2, True, id="two of two"),
        pytest.param({"approved": f"{R2} {ADA}\n{R2} {ADA}"}, 2, False, id="one person twice"),
        pytest.param({"approved": f"{R2}0 {ADA}"}, 1, False, id="another item that begins alike"),
        pytest.param({"standing": f"{R2} admin"}, 2, True, id="taken over"),
        pytest.param({"plans": f"{R2} {ADA}"}, 1, False, id="under another key"),
    ],
)
def test_item_that_counts(data: dict[str, str], minimum: int, counts: bool) -> None:
    """An item counts by so many people, or where it was taken over."""
    found = Approved.of(data)
    assert found.counts(R2, minimum) is counts
    assert found.missing([R2], minimum) == (() if counts else (R2,))


def test_answer_in_lines() -> None:
    """An approval is an answer and its items, each in a line that ends with the name."""
    answer = ANSWER.model_copy(update={"items": (R2, digest(2)), "reason": "two\nlines, and é"})
    data = Approved().with_answer(answer, ADA).data
    assert data["approved"].split("\n") == [f"{R2} {ADA}", f"{digest(2)} {ADA}"]
    assert data["plans"].endswith(f"}} {ADA}")
    assert "\n" not in data["plans"]
    assert Approved.of(data).answers() == ((ADA, answer),)


def test_rejection_in_lines() -> None:
    """A rejection approves nothing."""
    answer = ANSWER.model_copy(update={"items": (R2,), "decision": Decision.REJECT})
    found = Approved().with_answer(answer, ADA)
    assert found.approved == ()
    assert [one.decision for _, one in found.answers()] == [Decision.REJECT]


def test_second_answer() -> None:
    """It replaces that person's first answer to the plan, and no line of another person."""
    first = Approved().with_answer(ANSWER, BOB).with_answer(ANSWER, ADA)
    again = first.with_answer(ANSWER.model_copy(update={"reason": "seen once more"}), ADA)
    assert [(who, one.reason) for who, one in again.answers()] == [(BOB, ANSWER.reason), (ADA, "seen once more")]
    assert again.plans[0] == first.plans[0]


def test_line_that_is_no_answer() -> None:
    """It is left out, and written back as it stands."""
    found = Approved.of({"plans": f"nonsense {BOB}\n{{}} {BOB}"})
    assert found.answers() == ()
    assert found.with_answer(ANSWER, ADA).plans[:2] == (f"nonsense {BOB}", f"{{}} {BOB}")


@pytest.mark.parametrize("user", ["", "ada b", "ada\tb", "ada\nb"])
def test_name_that_is_refused(user: str) -> None:
    """The cluster refuses a line whose name has a space, so the command does before."""
    with pytest.raises(BadInput, match="could not write an approval as"):
        Approved().with_answer(ANSWER, user)


@pytest.mark.parametrize("item", ["", "a b", "sha256:1", "registry/shop:1", "x" * 64])
def test_item_that_is_refused(item: str) -> None:
    """An item is a label's value or a digest."""
    with pytest.raises(BadInput, match="could not approve"):
        Approved().with_answer(ANSWER.model_copy(update={"items": (item,)}), ADA)


def test_takeover_of_what_is_there() -> None:
    """An item that was taken over before keeps its line."""
    found = Approved.of({"standing": f"{R1} chief"}).with_standing([R1, R2], "admin")
    assert found.standing == (f"{R1} chief", f"{R2} admin")


@pytest.mark.parametrize(
    ("hours", "left"),
    [
        pytest.param(1, (f"{R2} {BOB}", f"{R1} {ADA}", f"{R2} {ADA}"), id="while an answer holds"),
        pytest.param(25, (f"{R2} {BOB}", f"{R1} {ADA}"), id="after it has expired"),
    ],
)
def test_pruned_lines(hours: int, left: tuple[str, ...]) -> None:
    """A person's lines go, but for what is kept, what an answer still covers, and other people's."""
    found = Approved.of({"approved": f"{R2} {BOB}\n{R1} {ADA}\n{'3' * 40} {ADA}"})
    found = found.with_answer(ANSWER.model_copy(update={"items": (R2,)}), ADA)
    assert found.pruned(ADA, [R1], NOW + timedelta(hours=hours)).approved == left


def test_lines_of_a_release_that_stays() -> None:
    """The answer to a release that runs or stands in the switch log stays with all its images."""
    found = Approved().with_answer(ANSWER.model_copy(update={"items": (R2, digest(2))}), ADA)
    later = NOW + timedelta(days=30)
    assert found.pruned(ADA, [R2], later) == found
    assert found.pruned(ADA, [], later) == Approved()


def test_bound_of_the_object() -> None:
    """Twenty releases of forty images by two people fit; more than an object holds is refused by name."""
    items = [f"sha256:{number:064x}" for number in range(20 * 40)]
    lines = "\n".join(f"{item} {user}" for item in items for user in (ADA, BOB))
    assert len(Approved.of({"approved": lines}).data["approved"]) < 150_000
    with pytest.raises(BadInput, match="could not write azora-approved"):
        _ = Approved.of({"approved": "\n".join([lines] * 8)}).data


def test_answer_with_a_local_time() -> None:
    """A time without its zone is refused: nobody could say when it ends."""
    with pytest.raises(ValueError, match="timezone"):
        Answer.model_validate(ANSWER.model_dump() | {"at": NOW.replace(tzinfo=None)})
