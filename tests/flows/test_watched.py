"""What Prometheus knows after a release: every panel of both boards has data, and a question that waits is seen."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from azora.local.layout import layout
from tests import road
from tests.unit.test_boards import FILES, queries

pytestmark = pytest.mark.usefixtures("released")

ONLY_AFTER_MORE = ("azora_last_rollback_", 'flow="nightly"')  # than a release
SCRAPED_WITHIN_SECONDS = 90  # new pods are found each 5 s, and a rate needs two scrapes of one


def ask(query: str) -> list[dict[str, Any]]:
    """What the node's Prometheus answers."""
    place = layout(os.environ["AZORA_NODE"]).prometheus_url
    answer = httpx.get(f"{place}/api/v1/query", params={"query": query}, trust_env=False, timeout=10)
    answer.raise_for_status()
    result: list[dict[str, Any]] = answer.json()["data"]["result"]
    return result


def until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SCRAPED_WITHIN_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


def panels(file: Path) -> list[str]:
    """Its queries; the first is that of the annotations, which has data only around a switch."""
    asked = queries(json.loads(file.read_text())["panels"])
    return [one.replace("$__rate_interval", "1m") for one in asked if not any(word in one for word in ONLY_AFTER_MORE)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_panel_has_data_after_a_release(file: Path) -> None:
    silent = [
        query
        for query in panels(file)
        if not until(
            lambda query=query: any(ask(query.replace("$environment", name)) for name in ("production", "staging"))
        )
    ]
    assert silent == []


def test_pods_are_scraped_and_say_who_they_are() -> None:
    live = road.world("production").active_stack
    assert live
    mine = f'environment="production", color="{live.color}", release="{live.release}"'
    assert until(lambda: len(ask(f"count by (service) (python_info{{{mine}}})")) == len(live.wanted))


def test_a_question_is_seen_while_it_waits() -> None:
    commit = road.a_proved_commit()
    run = road.until_it_waits(road.begin("release", ref=commit))
    waiting = 'azora_approval_waiting_seconds{environment="production"} > 0'
    assert until(lambda: bool(ask(waiting)))
    road.reject(run)
    road.until_over(run)
    assert until(lambda: not ask(waiting))
