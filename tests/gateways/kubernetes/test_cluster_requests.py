"""Requests that a look at an environment costs, counted on a real API server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from azora.core.colors import Color
from azora.core.promotion.switch_verdict import pods_ready
from azora.gateways.kubernetes.cluster import Cluster
from tests.support.api_server import ApiServer
from tests.support.counting import requests_of
from tests.support.gated import Gated
from tests.support.releases import BASE
from tests.support.two_colors import two_colors


@pytest.fixture(scope="module")
def shop(server: ApiServer) -> Gated:
    """A gated shop with pods in both colors."""
    return two_colors(server)


def test_requests_of_a_look(shop: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look costs seven requests, and one more behind a gate."""
    gated = Cluster(shop.of("pipeline"))
    open_ = Cluster(replace(gated.namespace, environment=shop.environment.model_copy(update={"approval": None})))
    seen = requests_of(monkeypatch)
    for cluster, number in ((open_, 7), (gated, 8)):
        del seen[:]
        cluster.look()
        assert len(seen) == len(set(seen)) == number, seen


def test_requests_of_a_running_release(shop: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    """The release that runs is read without another look by whoever looked already."""
    cluster = Cluster(shop.of("pipeline"))
    cluster.record.add_release(BASE)
    world = cluster.look()
    serving = replace(world, stacks={Color.BLUE: replace(world.stack(Color.BLUE), release=BASE.id)})
    seen = requests_of(monkeypatch)
    assert cluster.running(serving) == BASE
    assert seen == ["GET azora-record", "GET azora-record-releases"]


def test_requests_of_a_stack(shop: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that watches its pods reads the Deployments of one color."""
    cluster = Cluster(shop.of("pipeline"))
    there = cluster.look().stack(Color.GREEN)
    seen = requests_of(monkeypatch)
    found = cluster.stack(Color.GREEN)
    assert seen == ["GET deployments"]
    assert pods_ready(found) == pods_ready(there) == (1, 1)
