"""Freezes: what people's lines say at a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from azora.core.cluster.freeze import Act, acts_of, line_of

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
RELEASE, RUN = "3f2a1c9b0d4e" + "0" * 52, "0b0b0b0b-1111-2222-3333-444444444444"


def freeze(hours: float = 8, *, user: str = "oidc:ada", reason: str = "the sale") -> str:
    return line_of(Act(kind="freeze", at=NOW, until=NOW + timedelta(hours=hours), reason=reason), user)


def end(user: str = "oidc:olga") -> str:
    return line_of(Act(kind="end", at=NOW, reason="the sale is over"), user)


def only(subject: str) -> str:
    return line_of(Act(kind="exception", at=NOW, reason="the checkout is down", subject=subject), "oidc:olga")


@pytest.mark.parametrize(
    ("text", "frozen"),
    [
        pytest.param("", None, id="nothing happened"),
        pytest.param(freeze(), "the sale", id="frozen"),
        pytest.param(freeze(-1), None, id="over by itself"),
        pytest.param(freeze(0), None, id="the moment of its end"),
        pytest.param(freeze() + end(), None, id="lifted"),
        pytest.param(freeze() + end() + freeze(reason="again"), "again", id="frozen again"),
        pytest.param(freeze() + freeze(1, reason="shorter"), "shorter", id="the last one decides"),
        pytest.param(freeze() + freeze(-1, reason="over"), None, id="a shorter one ends a longer one"),
        pytest.param(freeze() + only(RUN), "the sale", id="an exception is no end"),
        pytest.param(only(RUN) + freeze(), "the sale", id="an exception before it"),
        pytest.param(freeze() + "garbled oidc:eve\n{} oidc:eve\n", "the sale", id="lines that are none"),
    ],
)
def test_freeze_in_force(text: str, frozen: str | None) -> None:
    """The last freeze holds until its time, or until somebody lifts it."""
    found = acts_of({"acts": text}).in_force(NOW)
    assert (found.reason if found else None) == frozen


@pytest.mark.parametrize(
    ("subject", "goes"),
    [
        pytest.param(RELEASE, True, id="the release"),
        pytest.param(RELEASE[:12], True, id="the release as the plan shows it"),
        pytest.param(RUN, True, id="the run"),
        pytest.param(RUN[:8], True, id="the beginning of the run"),
        pytest.param("9" * 12, False, id="another release"),
        pytest.param(RELEASE[:4], False, id="too few digits"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_exception(subject: str, *, goes: bool) -> None:
    """An exception lets the named release or run through, and no other."""
    acts = acts_of({"acts": freeze() + only(subject)})
    assert (acts.keeps_out(RELEASE, RUN, NOW) is None) is goes
    assert acts.keeps_out("7" * 64, "7" * 36, NOW) is not None


def test_exception_of_an_earlier_freeze() -> None:
    """A new freeze begins without exceptions."""
    assert acts_of({"acts": freeze() + only(RUN) + freeze()}).keeps_out(RELEASE, RUN, NOW)


def test_line_of_an_act() -> None:
    """A line ends with its author, whatever the reason has."""
    text = freeze(reason="line one\nline two oidc:eve", user="oidc:ada")
    assert text.count("\n") == 1
    found = acts_of({"acts": text}).in_force(NOW)
    assert found
    assert (found.by, found.reason) == ("oidc:ada", "line one\nline two oidc:eve")
    assert found.text == "until 2026-11-29 20:00 UTC by oidc:ada: line one line two oidc:eve"
