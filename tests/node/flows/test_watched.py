"""What Prometheus knows after a release: every panel of both boards has data, and a question that waits is seen."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from azora.local.layout import layout
from tests.support import pipeline
from tests.support.boards import FILES, queries
from tests.support.polling import until, until_it_is

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


def scraped(holds: Callable[[], bool], what: str) -> None:
    """Wait until what Prometheus scrapes next *holds* that."""
    until(holds, seconds=SCRAPED_WITHIN_SECONDS, what=what, every=1)


def has_data(query: str) -> bool:
    return any(ask(query.replace("$environment", name)) for name in ("production", "staging"))


def panels(file: Path) -> list[str]:
    """Its queries; the first is that of the annotations, which has data only around a switch."""
    asked = queries(json.loads(file.read_text())["panels"])
    return [one.replace("$__rate_interval", "1m") for one in asked if not any(word in one for word in ONLY_AFTER_MORE)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_panel_has_data_after_a_release(file: Path) -> None:
    asked = panels(file)

    def silent() -> list[str]:
        return [query for query in asked if not has_data(query)]

    until_it_is([], silent, seconds=SCRAPED_WITHIN_SECONDS, what="every panel has data", every=1)


def test_pods_are_scraped_and_say_who_they_are() -> None:
    live = pipeline.world("production").active_stack
    assert live
    mine = f'environment="production", color="{live.color}", release="{live.label}"'
    count = f"count by (service) (python_info{{{mine}}})"
    scraped(lambda: len(ask(count)) == len(live.wanted), "every service of the live color")


def test_a_question_is_seen_while_it_waits() -> None:
    commit = pipeline.a_proved_commit()
    run = pipeline.until_it_waits(pipeline.begin("release", ref=commit))
    waiting = 'azora_approval_waiting_seconds{environment="production"} > 0'
    scraped(lambda: bool(ask(waiting)), "the question")
    pipeline.reject(run)
    pipeline.until_over(run)
    scraped(lambda: not ask(waiting), "the answer")
