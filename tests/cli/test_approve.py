"""Answers from the command line: to the plan that the person saw, and to no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import typer

from azora.cli import approve as answering
from azora.errors import BadInput, Refused
from azora.gateways.prefect.runs import Run
from azora.gateways.prefect.waiting_plan import WaitingPlan

HASH = "0123456789ab" + "c" * 52
RUN = Run("1f2e3d4c-0", "release 1f2e3d4", "Suspended", "PAUSED", "", "http://prefect/runs/1f2e3d4c-0")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Answers that are sent to Prefect, from a command without a terminal."""
    answers: list[dict[str, Any]] = []
    monkeypatch.setattr(answering, "run_called", lambda _, **__: RUN)
    monkeypatch.setattr(
        answering, "waiting_plan", lambda run: WaitingPlan(run, HASH, "## Fix the cart\n\n| plan | x |")
    )
    monkeypatch.setattr(answering.runs, "answer", lambda _, application, **given: answers.append(given))  # noqa: ARG005
    monkeypatch.setattr(answering, "note", lambda *_, **__: None)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    return answers


def approve(*, named: str = "", reason: str = "It is time", as_json: bool = False) -> None:
    answering.answer("1f2e", "approve", "Ada", reason, named, as_json=as_json)


@pytest.mark.parametrize("named", [HASH[:12], HASH[:20], HASH], ids=["12 digits", "20 digits", "all"])
def test_plan_named(sent: list[dict[str, Any]], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The plan is shown, and its whole hash is sent."""
    approve(named=named)
    assert sent == [{"decision": "approve", "approver": "Ada", "reason": "It is time", "plan": HASH}]
    assert "Fix the cart" in capsys.readouterr().out


@pytest.mark.parametrize("named", ["f" * 12, HASH + "0"], ids=["another", "too long"])
def test_another_plan_waits(sent: list[dict[str, Any]], named: str) -> None:
    """An answer to another plan than the waiting one is not sent."""
    with pytest.raises(Refused, match="the run waits with plan 0123456789ab, not"):
        approve(named=named)
    assert sent == []


def test_run_for_people_of_the_cluster(sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A form that takes no approval is not answered; the error names the kubeconfig that is needed."""
    monkeypatch.setattr(answering, "waiting_plan", lambda run: WaitingPlan(run, HASH, "", by_form=False))
    with pytest.raises(Refused, match="people whom the cluster knows approve it") as caught:
        approve(named=HASH)
    assert "AZORA_KUBECONFIG" in caught.value.advice
    assert sent == []
    answering.answer("1f2e", "reject", "Ada", "Not on a Friday", "", as_json=True)
    assert [one["decision"] for one in sent] == ["reject"]


def test_too_few_digits(sent: list[dict[str, Any]]) -> None:
    """Too few digits of the hash are an error about the digits, not about the plan."""
    with pytest.raises(BadInput, match="is too short") as caught:
        approve(named=HASH[:11])
    assert "at least the first 12 digits" in caught.value.advice
    assert sent == []


@pytest.mark.parametrize("reason", ["short", " " * 12], ids=["short", "blank"])
def test_reason_too_short(sent: list[dict[str, Any]], reason: str) -> None:
    """A reason that the form would refuse is not sent; the error has no pattern in it."""
    with pytest.raises(BadInput, match=r"the reason .* is too short"):
        approve(named=HASH, reason=reason)
    assert sent == []


def test_plan_with_a_long_line(
    sent: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long subject is wrapped at the terminal's width, not cut there."""
    text = "- `2db43c0` " + " ".join(f"word{number}" for number in range(40))
    monkeypatch.setattr(answering, "waiting_plan", lambda run: WaitingPlan(run, HASH, text))
    approve(named=HASH)
    assert "word39" in capsys.readouterr().out
    assert sent


def test_address_of_the_evidence(
    sent: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address of the page of evidence is printed in one piece."""
    address = f"http://reports/evidence.html?expires=1&signature={'a' * 200}"
    text = f"## `x`\n\n**[Evidence]({address})**: risks\n\n- `**[Evidence](http://evil)**`"
    monkeypatch.setattr(answering, "waiting_plan", lambda run: WaitingPlan(run, HASH, text))
    approve(named=HASH)
    assert f"evidence: {address}\n" in capsys.readouterr().out
    assert sent


def test_no_terminal_and_no_plan(sent: list[dict[str, Any]]) -> None:
    """Without a terminal the plan must be named; the error has the command."""
    with pytest.raises(BadInput, match="nobody can confirm") as caught:
        approve()
    assert "approve 1f2e3d4c --plan 0123456789ab -m" in caught.value.advice
    assert sent == []


def test_no_terminal_and_no_reason(sent: list[dict[str, Any]]) -> None:
    """Without a terminal a reason is required."""
    with pytest.raises(BadInput, match="no reason was given"):
        approve(named=HASH, reason="")
    assert sent == []


@pytest.mark.parametrize(("says", "answers"), [(True, 1), (False, 0)], ids=["yes", "no"])
def test_terminal_confirms(
    sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, says: bool, answers: int
) -> None:
    """A person at a terminal confirms the plan that was printed."""
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", _saying(asked, says=says))
    if says:
        approve()
    else:
        with pytest.raises(typer.Exit):
            approve()
    assert asked == ["Approve plan 0123456789ab?"]
    assert len(sent) == answers


def _saying(asked: list[str], *, says: bool) -> Callable[[str], bool]:
    def confirm(question: str) -> bool:
        asked.append(question)
        return says

    return confirm


def test_rejection(sent: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """A rejection names the plan and needs no confirmation: it changes nothing."""
    answering.answer("1f2e", "reject", "Ada", "Not on a Friday", "", as_json=True)
    assert sent[0]["plan"] == HASH
    assert json.loads(capsys.readouterr().out) == {"run": RUN.id, "decision": "reject", "plan": HASH}
