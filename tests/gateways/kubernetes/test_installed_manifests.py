"""Manifests that Helm installed, read from its own record in a real API server."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from azora.config.environment import Environment
from azora.config.permissions import namespace_object
from azora.errors import BadInput
from azora.gateways.helm.manifests import rendered_objects
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.namespace import Namespace
from tests.support.api_server import ApiServer
from tests.support.rendering import helm_program

NAME = "installed-manifests"
TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata: {name: note}
data: {text: "{{ .Values.text }}"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: hook, annotations: {helm.sh/hook: pre-install}}
"""


@pytest.fixture
def cluster(server: ApiServer) -> Cluster:
    api = server.api()
    api.create("/api/v1/namespaces", namespace_object(NAME))
    hosts = {"live": "a.localhost", "preview": "b.localhost"}
    environment = Environment.model_validate({"name": "staging", "namespace": NAME, "hosts": hosts})
    return Cluster(Namespace(api, environment, "shop"))


def test_installed_manifests(cluster: Cluster, server: ApiServer, tmp_path: Path) -> None:
    """The newest deployed revision is read with its hooks; a later one that failed is not what runs."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/note.yaml").write_text(TEMPLATE)
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")

    def upgrade(text: str) -> int:
        argv = [helm_program(), "upgrade", "--install", "shop-blue", str(tmp_path), "--set", f"text={text}"]
        argv += ["--namespace", NAME, "--kubeconfig", str(server.kubeconfig())]
        return subprocess.run(argv, capture_output=True, timeout=60, check=False).returncode

    assert cluster.installed_manifests("shop-blue") is None
    assert [upgrade("one"), upgrade("two")] == [0, 0]
    bad = TEMPLATE.replace("data: {", "data: {number: 1, ")
    (tmp_path / "templates/note.yaml").write_text(bad)
    assert upgrade("three") == 1
    objects = rendered_objects(cluster.installed_manifests("shop-blue") or "")
    assert {one["metadata"]["name"]: one.get("data") for one in objects} == {"note": {"text": "two"}, "hook": None}

    path = f"/api/v1/namespaces/{NAME}/secrets/sh.helm.release.v1.shop-blue.v2"
    cluster.namespace.api.patch(path, {"data": {"release": "YQ=="}})
    with pytest.raises(BadInput, match="could not read what Helm installed as 'shop-blue'"):
        cluster.installed_manifests("shop-blue")
