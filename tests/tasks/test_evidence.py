"""Form of a request: a link to its page of evidence, or the reason why there is none."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from azora.core.promotion.approval import next_request
from azora.errors import Refused, Unreachable
from tasks import approval_forms, evidence
from tests.support.plans import planned
from tests.support.worlds import NOW, SERVING_OLD

PLAN = planned(SERVING_OLD)
REQUEST = next_request(None, PLAN, attempt=1, now=NOW)
ADDRESS = "http://reports/run/evidence-production-1-1.html?expires=1&signature=2"


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "get_run_logger", lambda: logging.getLogger("test"))


def text_where(monkeypatch: pytest.MonkeyPatch, result: object) -> str:
    """Text of the form, where the task returns or raises *result*."""

    def publish(*_: Any) -> object:
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(evidence, "publish_evidence", publish)
    plan = evidence.with_evidence(PLAN, REQUEST, {}, [])
    assert plan.hash == PLAN.hash
    return str(approval_forms.form_of(plan, [])._description)


def test_link_to_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """The form links the page above the plan's table; the plan's hash is the same."""
    text = text_where(monkeypatch, ADDRESS)
    assert f"**[Evidence]({ADDRESS})**" in text
    assert text.index("[Evidence]") < text.index("| active now |")


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(Unreachable("could not upload the page"), id="no report server"),
        pytest.param(Refused("could not upload the page"), id="no right"),
        pytest.param(OSError(28, "could not upload the page"), id="a full disk"),
    ],
)
def test_request_without_a_page(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The request goes on without its page, and the form names the reason."""
    text = text_where(monkeypatch, error)
    assert re.search("\\*\\*⚠ There is no page of evidence\\*\\*: `.*could not upload the page", text)
