"""Prometheus in the node, from the machine's package, and the exporter that it scrapes.

Both run inside the node's network, from where pods are reached; haproxy has Prometheus' page on the machine's loopback.
"""

from __future__ import annotations

import sys
from pathlib import Path

from azora.config.settings import ROOT
from azora.local import health
from azora.local.configuration import rendered, write
from azora.local.env_file import variables
from azora.local.layout import Layout
from azora.local.namespaces import inside
from azora.local.service import NodeService, Stage, words

RULES = ROOT / "deployments/monitoring/rules"


def monitoring_services(node: Layout, programs: Path) -> list[NodeService]:
    return [exporter(node, programs), prometheus(node)]


def exporter(node: Layout, programs: Path) -> NodeService:
    arguments = (f"--address={node.address}", f"--port={node.exporter_port}")
    command = words(*inside(node), sys.executable, "-m", "azora", "exporter", *arguments)
    ready = lambda: health.listens(node.address, node.exporter_port)  # noqa: E731 - a scrape would look at the cluster
    return NodeService("exporter", Stage.WORK, command, ready, env=variables(node, programs))


def prometheus(node: Layout) -> NodeService:
    """Prometheus: two days of data, at most 256 MB; one thread leaves the cores to pods."""
    file = configuration(node)
    command = words(
        *inside(node), "prometheus", f"--config.file={file}", f"--storage.tsdb.path={node.lib}/prometheus",
        "--storage.tsdb.retention.time=2d", "--storage.tsdb.retention.size=256MB", "--storage.tsdb.wal-segment-size=10MB",
        f"--web.listen-address={node.address}:9090", f"--web.external-url={node.prometheus_url}/", "--log.level=warn",
    )  # fmt: skip
    return NodeService(
        "prometheus",
        Stage.WORK,
        command,
        lambda: health.answers(f"{node.prometheus_url}/-/ready"),
        env={"GOMAXPROCS": "1"},
        reads=file,
    )


def configuration(node: Layout) -> Path:
    return node.etc / "prometheus.yaml"


def write_monitoring(node: Layout) -> None:
    place = f"{node.address}:{node.exporter_port}"
    write(configuration(node), rendered("prometheus.yaml", exporter=place, rules=RULES))
