"""The request whose run began last is the one that people answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from azora.core.cluster.record import Question, Replacement
from azora.core.promotion.superseding import superseded

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BY_C = Replacement(run="c", release="r", title="C")


def asked(
    run: str, began: int | None, *, at: int = 60, release: str = "r", waits: int = 600, by: Replacement | None = None
) -> Question:
    """Request of *run*, times in minutes before now."""

    def before(minutes: int) -> datetime:
        return NOW - timedelta(minutes=minutes)

    return Question(
        run=run, release=release, plan="p", at=before(at), until=before(at) + timedelta(minutes=waits), title=run.upper(),
        began=None if began is None else before(began), replaced=by,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("questions", "by"),
    [
        pytest.param([], {}, id="none"),
        pytest.param([asked("a", 90)], {}, id="alone"),
        pytest.param([asked("a", 90), asked("b", 80)], {"a": "b"}, id="the run that began last"),
        pytest.param([asked("a", 80, at=10), asked("b", 90, at=5)], {"b": "a"}, id="began earlier, requested later"),
        pytest.param([asked("a", 90), asked("b", 80, release="q"), asked("c", 70)], {"a": "c", "b": "c"}, id="three"),
        pytest.param([asked("a", 90), asked("b", 90)], {"a": "b"}, id="same moment: by the run's id"),
        pytest.param([asked("a", 90), asked("b", 80, at=60, waits=30)], {}, id="newer one waits no more"),
        pytest.param([asked("a", 90, at=80, waits=30), asked("b", 70)], {}, id="older one waits no more"),
        pytest.param([asked("a", 90, by=BY_C), asked("b", 80, by=BY_C), asked("c", 70)], {}, id="gave way before"),
        pytest.param([asked("a", 90), asked("b", 80, by=BY_C)], {}, id="one that gave way replaces none"),
        pytest.param([asked("a", None, at=50), asked("b", 60)], {"b": "a"}, id="older version: by its request"),
    ],
)  # fmt: skip
def test_superseded_requests(questions: list[Question], by: dict[str, str]) -> None:
    """All that wait give way to the newest; those whose time is over, or that gave way, count no more."""
    found = superseded(questions, NOW)
    assert {one.run: one.replaced.run for one in found if one.replaced} == by
    assert all(one.replaced and one.replaced.title == one.replaced.run.upper() for one in found)
