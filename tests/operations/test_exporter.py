"""The exporter as Prometheus meets it: it answers whatever the cluster does, and looks no more than it must."""

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
from azora.core.cluster.run_counts import Ending, Tally
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


def test_what_it_says_is_prometheus_own_format_with_types_and_help() -> None:
    world = replace(
        BOOKED,
        rollback=LastRollback(at=NOW, seconds=1),
        tally=Tally()
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


def test_one_environment_that_is_away_hides_nothing_of_the_other() -> None:
    text = scraped(Exporter(["production", "staging"], lambda name: BOOKED if name == "production" else away(name)))
    assert 'azora_environment_up{environment="production"} 1.0' in text
    assert 'azora_environment_up{environment="staging"} 0.0' in text
    assert 'azora_environment_errors_total{environment="staging"} 1.0' in text
    assert 'azora_live_info{color="green",commit="",environment="production",release="new"} 1.0' in text


def test_a_record_that_nobody_can_read_is_told_not_suffered() -> None:
    def torn(_name: str) -> World:
        raise ValueError("1 validation error for Receipt")

    assert 'azora_environment_up{environment="production"} 0.0' in scraped(Exporter(["production"], torn))


def test_many_who_ask_at_once_cost_one_look() -> None:
    looks: list[str] = []

    def look(name: str) -> World:
        looks.append(name)
        return BOOKED

    exporter = Exporter(["production"], look)
    assert scraped(exporter) == scraped(exporter)
    assert looks == ["production"]


def test_it_starts_before_the_cluster_does() -> None:
    CollectorRegistry().register(Exporter(["production"], pytest.fail))


def test_the_end_of_a_certificate_is_still_known_when_the_cluster_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_machine_without_a_cluster_tells_that_and_its_disk(tmp_path: Path) -> None:
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


def test_prometheus_is_told_of_running_pods_that_want_to_be_scraped() -> None:
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


def test_targets_that_nobody_can_find_out_are_an_error_so_that_the_known_ones_stay() -> None:
    def find() -> list[dict[str, Any]]:
        raise Unreachable("could not reach it")

    assert answered("/targets", find) == ("503 Service Unavailable", "could not reach it")


def test_metrics_are_at_their_usual_place() -> None:
    status, body = answered("/metrics", list)
    assert status == "200 OK"
    assert "azora_environment_up" in body


def test_the_documentation_lists_what_it_tells() -> None:
    page = (ROOT / "docs/monitoring.md").read_text()
    listed = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in DOCUMENTED.findall(page)}
    assert listed == {measure.exposed: (measure.kind, measure.labels) for measure in MEASURES}
