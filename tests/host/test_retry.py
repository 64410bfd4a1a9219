"""Retries of a flow's own work between its tasks, by the same rule as a task's."""

from __future__ import annotations

import pytest
from tenacity import wait_none

from azora.errors import BadInput, Unreachable
from azora.host.retry import retried


def test_transient_error() -> None:
    """A transient error is tried again."""
    answers = iter([Unreachable("could not reach it: refused"), Unreachable("could not reach it: refused"), None])
    asked = retried(lambda: _raise(next(answers)))
    asked.retry.wait = wait_none()  # type: ignore[attr-defined]
    asked()
    assert next(answers, "all used") == "all used"


def test_permanent_error() -> None:
    """A permanent error is raised at once."""
    answers = iter([BadInput("could not find it: nowhere"), None])
    with pytest.raises(BadInput):
        retried(lambda: _raise(next(answers)))()
    assert next(answers) is None


def _raise(error: Exception | None) -> None:
    if error:
        raise error
