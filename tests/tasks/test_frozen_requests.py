"""Approval requests in a freeze: an answer counts once the freeze is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from azora.core.cluster.freeze import Freeze
from azora.core.promotion.approval import Decision, next_request
from azora.errors import Refused
from tasks import approval_forms
from tests.support.plans import planned
from tests.support.releases import BASE
from tests.support.worlds import NOW, SERVING_OLD

FREEZE = Freeze("oidc:ada", NOW, NOW + timedelta(hours=1), "the sale")
OPEN = planned(SERVING_OLD, BASE)
ANSWERED = next_request(None, OPEN, attempt=1, now=datetime.now(UTC))
GIVEN = approval_forms.Given(Decision.APPROVE, "ada", "it is time", datetime.now(UTC))


class Prefect:
    """The run's calls of Prefect and the record, kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, freeze: Freeze | None) -> None:
        self.suspended: list[Any] = []
        self.refused: list[Any] = []
        self.recorded: list[Any] = []
        known = {
            "last_request_of": lambda *_: ANSWERED,
            "_answer": lambda _: GIVEN,
            "_is_new": lambda _: True,
            "attempt": lambda: 1,
            "take_request": lambda *_: None,
            "supersede_older": lambda _: None,
            "plan_with": lambda *_: replace(OPEN, freeze=freeze),
            "with_evidence": lambda plan, *_: plan,
            "request_approval": lambda *_, **__: "1:abc",
            "record_refusal": lambda *args: self.refused.append(args),
            "_approved": lambda *args: self.recorded.append(args),
            "suspend": lambda **how: self.suspended.append(how),
        }
        for name, call in known.items():
            monkeypatch.setattr(approval_forms, name, call)
        monkeypatch.setattr(approval_forms.notifications, "question", lambda *_: None)


def test_answer_in_a_freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is refused, and the run waits with a new request that names the freeze."""
    run = Prefect(monkeypatch, FREEZE)
    with pytest.raises(Refused, match="could not wait for an answer"):  # what ends the test's process here
        approval_forms.ask_by_form("production", BASE, {})
    (waits,) = run.suspended
    said = waits["wait_for_input"]._description
    assert "production is frozen until 2026-11-24 13:00 UTC by oidc:ada: the sale" in said
    assert "**nothing is promoted before**" in said
    assert waits["key"] != ANSWERED.key
    assert len(run.refused) == 1
    assert run.recorded == []


def test_answer_after_a_freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to the same plan counts."""
    run = Prefect(monkeypatch, None)
    approval_forms.ask_by_form("production", BASE, {})
    assert len(run.recorded) == 1
    assert run.suspended == run.refused == []
