"""Which events of a run are told, and that telling holds no run up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from prefect.logging import disable_run_logger

from azora.errors import Unreachable
from azora.gateways.notifying import Address
from azora.notices import Notice
from azora.record import Receipt
from azora.world import World
from tasks import telling
from tests.unit.test_bluegreen import SWITCHED

JUDGED_GOOD = replace(SWITCHED, receipts=(Receipt(number=2, verdict="good", total=10),))
JUDGED_BAD = replace(SWITCHED, receipts=(Receipt(number=2, verdict="bad", reason="slow"),))


class Seen:
    """A cluster that shows this world, or does not answer."""

    def __init__(self, world: World | None) -> None:
        self.world = world

    def look(self) -> World:
        if self.world is None:
            raise Unreachable("could not reach it")
        return self.world


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Notice]]:
    """What one address was sent, by run `run`."""
    sent: list[Notice] = []

    def send(notice: Notice, _: object) -> list[str]:
        sent.append(notice)
        return ["could not tell address 1"]

    monkeypatch.setattr(telling, "send", send)
    monkeypatch.setattr(telling, "addresses", lambda _: (Address("address 1", "json://h"),))
    monkeypatch.setattr(telling, "this_run", lambda: "run")
    with disable_run_logger():
        yield sent


@pytest.mark.parametrize(
    ("environment", "world", "title"),
    [
        pytest.param("production", JUDGED_GOOD, "azora: production runs new", id="good"),
        pytest.param("staging", JUDGED_GOOD, None, id="good, where only trouble is told"),
        pytest.param(
            "staging", JUDGED_BAD, "azora: staging stays on a release that was found bad: new", id="bad, there as well"
        ),
        pytest.param("production", None, None, id="a cluster that is away"),
    ],
)
def test_a_switch_is_told_as_the_environment_wants_it(
    told: list[Notice], environment: str, world: World | None, title: str | None
) -> None:
    telling.last_switch(environment, Seen(world))  # type: ignore[arg-type]
    assert [notice.title for notice in told] == ([title] if title else [])


def test_nobody_looks_at_the_cluster_where_nobody_is_told(told: list[Notice], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "addresses", lambda _: ())
    telling.last_switch("production", None)  # type: ignore[arg-type]
    assert told == []
