"""Data of the platform in Prometheus and Kibana after a release, for every panel and saved search."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from azora.core.colors import COLOR_LABEL
from azora.local.layout import layout
from tests.support import pipeline
from tests.support.boards import FILES, queries
from tests.support.logs import IS, documented, flat, kibana, lines_of_the_pipeline, used
from tests.support.polling import until, until_it_is

pytestmark = pytest.mark.usefixtures("platform")

ONLY_AFTER_MORE = ("azora_last_rollback_", 'flow="nightly"')  # than a release
SCRAPED_WITHIN_SECONDS = 90  # new pods are found each 5 s, and a rate needs two scrapes of one


def ask(query: str) -> list[dict[str, Any]]:
    """Answer of the node's Prometheus to *query*."""
    place = layout(os.environ["AZORA_NODE"]).prometheus_url
    answer = httpx.get(f"{place}/api/v1/query", params={"query": query}, trust_env=False, timeout=10)
    answer.raise_for_status()
    result: list[dict[str, Any]] = answer.json()["data"]["result"]
    return result


def has_data(query: str) -> bool:
    return any(ask(query.replace("$environment", name)) for name in ("production", "staging"))


def panels(file: Path) -> list[str]:
    """Its queries; the first is that of the annotations, which has data only around a switch."""
    asked = queries(json.loads(file.read_text())["panels"])
    return [one.replace("$__rate_interval", "1m") for one in asked if not any(word in one for word in ONLY_AFTER_MORE)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_panels(file: Path) -> None:
    """Every panel of the board has data after a release."""
    asked = panels(file)

    def silent() -> list[str]:
        return [query for query in asked if not has_data(query)]

    until_it_is([], silent, seconds=SCRAPED_WITHIN_SECONDS, what="every panel has data", every=1)


def test_scraped_pods() -> None:
    """The pods of the active color are scraped, and their series carry environment, color and release."""
    live = pipeline.world("production").active_stack
    assert live
    mine = f'environment="production", color="{live.color}", release="{live.label}"'
    count = f"count by (service) (python_info{{{mine}}})"
    until(
        lambda: len(ask(count)) == len(live.wanted),
        seconds=SCRAPED_WITHIN_SECONDS,
        what="every service of the active color is scraped",
        every=1,
    )


def test_fields_of_kibana() -> None:
    """The node's lines have each field that a saved search of Kibana names, with its type."""
    pipeline.until_over(pipeline.begin("deploy-staging", ref="no-such-branch"), seconds=60)  # an error among them
    lines, fields = [*lines_of_the_pipeline(), *lines_of_pods("production")], documented()
    for saved in kibana():
        for field in set(used(saved)):
            values = [line[field] for line in lines if field in line]
            assert values, f"{saved['id']} asks for {field}"
            assert all(IS[fields[field]](value) for value in values), field


def lines_of_pods(environment: str) -> list[dict[str, Any]]:
    """The newest lines of the pods of both stacks."""
    namespace = pipeline.cluster(environment).namespace.name
    flags = ("--tail=200", "--max-log-requests=60", "--all-containers")
    printed = pipeline.kubectl("-n", namespace, "logs", "-l", COLOR_LABEL, *flags)
    return [flat(json.loads(line)) for line in printed.splitlines()]
