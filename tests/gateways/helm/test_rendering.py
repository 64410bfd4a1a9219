"""Rendering for the version and the kinds of the cluster, or without a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from azora.config.environment import Environment, Hosts
from azora.config.settings import Settings
from azora.core.cluster.capabilities import Capabilities
from azora.errors import BadInput
from azora.gateways.helm.client import Helm
from azora.gateways.helm.errors import versions_near
from tests.support.rendering import helm_program

SHOP = Environment(name="staging", namespace="shop", hosts=Hosts(live="shop", preview="next.shop"), data=False)
MONITOR = """\
apiVersion: v1
kind: Pod
metadata: {name: "{{ .Capabilities.KubeVersion }}"}
---
{{ if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor" }}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: x}
{{ end }}
"""


def kinds(folder: Path, allowed: str, cluster: Capabilities | None) -> list[str]:
    (folder / "templates").mkdir()
    (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: chart\nversion: 1.0.0\nkubeVersion: '{allowed}'\n")
    (folder / "templates/x.yaml").write_text(MONITOR)
    settings = Settings(helm=helm_program(), application="shop", kube_context="none", identities=None)
    return [one["kind"] for one in Helm(SHOP, settings, cluster and (lambda: cluster)).render("x", folder, {})]


@pytest.mark.parametrize(
    "allowed", [">=1.34.0-0 <1.37.0-0", "<1.30.0-0", "~1.35.2", "1.33.x || 1.34.x", ">1.34.2 <=1.34.8"]
)
def test_version_that_nobody_asked_for(tmp_path: Path, allowed: str) -> None:
    """No `kubeVersion` is a fault where no cluster is asked."""
    assert kinds(tmp_path, allowed, None) == ["Pod"]


def test_kinds_of_the_cluster(tmp_path: Path) -> None:
    """A chart's object for a kind of the cluster is rendered."""
    cluster = Capabilities(
        "v1.34.1-eks-3025e55", ("monitoring.coreos.com/v1", "monitoring.coreos.com/v1/ServiceMonitor")
    )
    assert kinds(tmp_path, ">=1.34.0-0 <1.35.0-0", cluster) == ["Pod", "ServiceMonitor"]


@pytest.mark.parametrize(
    ("allowed", "cluster"),
    [
        pytest.param(">=1.35.0-0", Capabilities("v1.34.1"), id="the cluster is older"),
        pytest.param(">=1.35.0-0 <1.34.0-0", None, id="no version at all"),
    ],
)
def test_version_that_the_chart_refuses(tmp_path: Path, allowed: str, cluster: Capabilities | None) -> None:
    """The error names the chart's `kubeVersion`."""
    with pytest.raises(
        BadInput, match=r"chart requires kubeVersion: >=1\.35.*\n.*correct `kubeVersion` in Chart\.yaml"
    ):
        kinds(tmp_path, allowed, cluster)


def test_versions_near() -> None:
    """Other errors name no version."""
    said = "chart requires kubeVersion: >1.2.3 which is incompatible with Kubernetes v1.37.0"
    assert versions_near(said) == ["v1.3.99", "v1.2.99", "v1.2.3", "v1.1.99"]
    assert versions_near("could not render 1.2.3") == []
