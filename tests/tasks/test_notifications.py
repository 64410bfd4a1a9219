"""Events of a run that send a notification; the sending holds no run up."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.logging import disable_run_logger

from azora.core.cluster.record import Receipt
from azora.core.cluster.state import World
from azora.core.messages.notifications import Night, Notice
from azora.core.promotion.plan import Change
from azora.gateways.notify.sending import Address
from tasks import notifications
from tests.support.clusters import Seen
from tests.support.worlds import SWITCHED

JUDGED_GOOD = replace(SWITCHED, receipts=(Receipt(number=2, verdict="good", total=10),))
JUDGED_BAD = replace(SWITCHED, receipts=(Receipt(number=2, verdict="bad", reason="slow"),))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Notice]]:
    """Notices that one address was sent by run `run`."""
    sent: list[Notice] = []

    def send(notice: Notice, _: object) -> list[str]:
        sent.append(notice)
        return ["could not notify address 1"]

    monkeypatch.setattr(notifications, "send", send)
    monkeypatch.setattr(notifications, "addresses", lambda _: (Address("address 1", "json://h"),))
    monkeypatch.setattr(notifications, "this_run", lambda: "run")
    with disable_run_logger():
        yield sent


@pytest.mark.parametrize(
    ("environment", "world", "title"),
    [
        pytest.param("production", JUDGED_GOOD, "production runs new", id="good"),
        pytest.param("staging", JUDGED_GOOD, None, id="good, where only trouble is told"),
        pytest.param("staging", JUDGED_BAD, "staging stays on a bad release: new", id="bad, there as well"),
        pytest.param("production", None, None, id="a cluster that is away"),
    ],
)
def test_switch_notice_by_environment(
    told: list[Notice], environment: str, world: World | None, title: str | None
) -> None:
    """The environment's file decides which switches are reported."""
    notifications.last_switch(environment, Seen(world))  # type: ignore[arg-type]
    assert [notice.title for notice in told] == ([title] if title else [])


def test_switch_without_a_receiver(told: list[Notice], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a receiver nobody looks at the cluster."""
    monkeypatch.setattr(notifications, "addresses", lambda _: ())
    notifications.last_switch("production", None)  # type: ignore[arg-type]
    assert told == []


def night(day: int, *, well: bool, commit: str) -> Night:
    return Night(datetime(2026, 11, day, tzinfo=UTC), well, "http://run", commit, () if well else ("test a",))


def test_nightly_notice_of_a_failure(told: list[Notice], monkeypatch: pytest.MonkeyPatch) -> None:
    """The notice has the commits since the last good nightly run."""
    nights = [night(24, well=False, commit="new"), night(23, well=False, commit=""), night(22, well=True, commit="old")]
    nights[1] = replace(nights[1], steps=("test b",))
    asked: list[tuple[Any, ...]] = []

    def changes(*given: Any) -> tuple[Change, ...]:
        asked.append(given[:2])
        return (Change("f1f1f1f", "ada", "Fix the cart"),)

    monkeypatch.setattr(notifications, "nights_until", lambda _, **__: nights)
    monkeypatch.setattr(notifications, "changes_between", changes)
    monkeypatch.setattr(notifications, "flow_run_logger", lambda *_: logging.getLogger("a run"))
    notifications.of_the_nightly_run(flow=None, flow_run=SimpleNamespace(id="a run"), state=None)  # type: ignore[arg-type]

    assert asked == [("old", "new")]
    assert told[0].title == "the nightly run failed at test a"
    assert "- f1f1f1f Fix the cart (ada)" in told[0].text
