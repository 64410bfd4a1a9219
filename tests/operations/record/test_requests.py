"""Requests that the record adds to a switch and to a rollback, on a real API server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from azora.config.environment import Environment
from azora.config.permissions import namespace_object
from azora.core.record.chain import parsed_head
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.namespace import Namespace
from azora.operations.record import writing
from azora.operations.record.export import export
from tests.support.api_server import api_server
from tests.support.counting import requests_of
from tests.support.worlds import BLUE, BOOKED, GREEN, NOW, stack

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "azora"}, "spec": {"ports": [{"port": 80}]}}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A namespace with a live Service, whose record has begun."""
    with api_server(tmp_path_factory.mktemp("server")) as server:
        api = server.api()
        api.create("/api/v1/namespaces", namespace_object("shop"))
        api.create("/api/v1/namespaces/shop/services", SERVICE)
        hosts = {"live": "a.localhost", "preview": "b.localhost"}
        environment = Environment.model_validate({"name": "staging", "namespace": "shop", "hosts": hosts})
        found = Cluster(Namespace(api, environment, "azora"))
        switch(found, "promotion")
        yield found


def switch(cluster: Cluster, kind: Any) -> None:
    world = cluster.look()
    to = BLUE if world.last_switch and world.last_switch.to is GREEN else GREEN
    seen = replace(BOOKED, switches=world.switches, service_version=world.service_version, approvals=())
    entry = seen.switch_to(stack(to, "old"), kind, by="ada", at=NOW, came_from=to.other)
    writing.switch(cluster, seen, entry)


@pytest.fixture
def requests(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[str]]:
    """Requests of one switch by a new process, in order, without the look before it."""

    def count(kind: Any) -> list[str]:
        seen = requests_of(monkeypatch)
        begin = writing.switch
        monkeypatch.setattr(writing, "switch", lambda *given, **more: (seen.clear(), begin(*given, **more)))
        switch(Cluster(cluster.namespace), kind)
        return seen

    return count


LOOK = ["GET configmaps", "GET azora-log-0001"]


def test_requests_of_a_promotion(requests: Callable[[Any], list[str]]) -> None:
    """Three before the switch and one after it, beside the switch itself."""
    assert requests("promotion") == [*LOOK, "PATCH azora-log-0001", "PATCH azora", "PATCH azora-log-0001"]


def test_requests_of_a_rollback(requests: Callable[[Any], list[str]]) -> None:
    """None before users are moved, four after."""
    assert requests("rollback") == ["PATCH azora", *LOOK, "PATCH azora-log-0001", "PATCH azora"]


def test_head_of_the_live_service(cluster: Cluster) -> None:
    """The live Service names the head from before a promotion, and from after a rollback; all is verified."""
    for kind, after in (("promotion", 1), ("rollback", 0)):
        switch(cluster, kind)
        found = export(cluster)
        head = parsed_head(found.header.live_head)
        assert head
        assert len(found.lines) - head.number == after
        assert found.fault() is None


def test_changed_byte(cluster: Cluster) -> None:
    """A byte that somebody changes in the cluster is named; so is an entry that is removed."""
    path = f"{cluster.namespace.core}/configmaps/azora-log-0001"
    line = cluster.log.lines()[1]
    for changed, reason in (
        (line.replace('"who":"ada"', '"who":"eve"'), "was changed"),
        (None, "entry 2 is missing"),
    ):
        cluster.namespace.api.patch(path, {"data": {"00000002": changed}})
        fault = export(cluster).fault()
        cluster.namespace.api.patch(path, {"data": {"00000002": line}})
        assert fault
        assert "entry 2" in fault.reason
        assert reason in fault.reason
    assert export(cluster).fault() is None
