"""The exporter for Prometheus: it answers whatever the cluster does, and reads no more than it must."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from azora.config.settings import ROOT, Settings
from azora.core.cluster.record import LastRollback
from azora.core.cluster.run_counts import Ending, RunCounts
from azora.core.cluster.state import World
from azora.core.metrics import CERTIFICATE, MEASURES, Sample
from azora.core.scrape_targets import targets
from azora.errors import Unreachable
from azora.operations.metrics.exporter import Exporter, exporter_of
from azora.operations.metrics.server import application
from tests.support.worlds import BOOKED, NOW

KINDS = {measure.exposed: measure.kind for measure in MEASURES}
DOCUMENTED = re.compile(r"^\| `(azora_\w+)` \| (\w+) \| (.*?) \| ", re.MULTILINE)


def scraped(exporter: Exporter) -> str:
    registry = CollectorRegistry()
    registry.register(exporter)
    return generate_latest(registry).decode()


def away(_name: str) -> World:
    raise Unreachable("could not reach it")


def test_exposition_format() -> None:
    """The answer is in Prometheus's format, with type and help of each metric."""
    world = replace(
        BOOKED,
        rollback=LastRollback(at=NOW, seconds=1),
        run_counts=RunCounts()
        .after_run(Ending(flow="nightly", result="completed", went_well=True, at=NOW))
        .after_stages([("look", 1)]),
    )
    text = scraped(Exporter(["production"], lambda _: world))
    for family in text_string_to_metric_families(text):
        assert family.documentation
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert KINDS[name] == family.type
    assert 'azora_switches_total{environment="production"} 2.0' in text
    assert 'azora_runs_total{environment="production",flow="nightly",result="completed"} 1.0' in text
    assert 'azora_stage_duration_seconds_bucket{environment="production",le="+Inf",stage="look"} 1.0' in text


def test_environment_that_is_unreachable() -> None:
    """An unreachable environment is down, and hides nothing of the others."""
    text = scraped(Exporter(["production", "staging"], lambda name: BOOKED if name == "production" else away(name)))
    assert 'azora_environment_up{environment="production"} 1.0' in text
    assert 'azora_environment_up{environment="staging"} 0.0' in text
    assert 'azora_environment_errors_total{environment="staging"} 1.0' in text
    assert 'azora_live_info{color="green",commit="",environment="production",release="new"} 1.0' in text


def test_environment_with_a_broken_record() -> None:
    """An environment whose record cannot be read is down."""

    def torn(_name: str) -> World:
        raise ValueError("1 validation error for Receipt")

    assert 'azora_environment_up{environment="production"} 0.0' in scraped(Exporter(["production"], torn))


def test_scrapes_within_a_moment() -> None:
    """Scrapes within a moment share one look at the cluster."""
    looks: list[str] = []

    def look(name: str) -> World:
        looks.append(name)
        return BOOKED

    exporter = Exporter(["production"], look)
    assert scraped(exporter) == scraped(exporter)
    assert looks == ["production"]


def test_start_without_a_cluster() -> None:
    """The exporter starts without looking at the cluster."""
    CollectorRegistry().register(Exporter(["production"], pytest.fail))


def test_certificate_without_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate's expiry is kept while the cluster is unreachable."""
    monkeypatch.setattr("azora.operations.metrics.exporter.KEPT_SECONDS", 0)
    answers = True
    ends = Sample(CERTIFICATE, 1.8e9, {"certificate": "API server"})
    exporter = Exporter(["production"], lambda name: BOOKED if answers else away(name), lambda _: [ends])
    first = scraped(exporter)
    answers = False
    second = scraped(exporter)
    line = 'azora_certificate_expiry_timestamp_seconds{certificate="API server"} 1.8e+09'
    assert line in first
    assert line in second
    assert 'azora_environment_up{environment="production"} 0.0' in second


def test_machine_without_a_cluster(tmp_path: Path) -> None:
    """Without a cluster the exporter has the environments as down, and the disk."""
    kubeconfig = tmp_path / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    users = [{"name": "u", "user": {"token": "t"}}]
    kubeconfig.write_text(
        yaml.safe_dump({"clusters": [cluster], "contexts": [context], "users": users, "current-context": "c"})
    )
    machine = Settings(node="none", state=tmp_path, kubeconfig=kubeconfig, kube_context=None, identities=None)
    text = scraped(exporter_of(machine))
    assert 'azora_environment_up{environment="production"} 0.0' in text
    assert f'azora_disk_free_bytes{{folder="{tmp_path}"}}' in text
    assert "azora_certificate" not in text


def answered(path: str, find_targets: Callable[[], list[dict[str, Any]]]) -> tuple[str, str]:
    """Status and body of GET *path*."""
    statuses: list[str] = []
    environ: dict[str, Any] = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    app = application(Exporter(["production"], lambda _: BOOKED), find_targets)
    body = b"".join(app(environ, lambda status, _headers, _info=None: statuses.append(status) or (lambda _: None)))
    return statuses[0], body.decode()


def pod(name: str, annotations: dict[str, str], *, phase: str = "Running") -> dict[str, Any]:
    return {"metadata": {"name": name, "annotations": annotations}, "status": {"phase": phase, "podIP": "10.244.0.7"}}


def test_scrape_targets() -> None:
    """The targets are the running pods whose annotations ask for a scrape."""
    wanted = {"prometheus.io/scrape": "true", "prometheus.io/port": "8000", "prometheus.io/path": "/numbers"}
    pods = [pod("edge-1", wanted), pod("edge-2", wanted, phase="Pending"), pod("database", {})]
    status, body = answered("/targets", lambda: targets("staging", pods))
    assert status == "200 OK"
    assert json.loads(body) == [
        {
            "targets": ["10.244.0.7:8000"],
            "labels": {"__metrics_path__": "/numbers", "environment": "staging", "pod": "edge-1"},
        }
    ]


def test_scrape_targets_that_are_unknown() -> None:
    """Unknown targets are an error: Prometheus then keeps the known ones."""

    def find() -> list[dict[str, Any]]:
        raise Unreachable("could not reach it")

    assert answered("/targets", find) == ("503 Service Unavailable", "could not reach it")


def test_metrics_path() -> None:
    """Metrics are at /metrics."""
    status, body = answered("/metrics", list)
    assert status == "200 OK"
    assert "azora_environment_up" in body


def test_documented_metrics() -> None:
    """docs/monitoring.md lists exactly the metrics, with kind and labels."""
    page = (ROOT / "docs/monitoring.md").read_text()
    listed = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in DOCUMENTED.findall(page)}
    assert listed == {measure.exposed: (measure.kind, measure.labels) for measure in MEASURES}
