"""A Helm release is removed in whatever state an installation left it, on a real API server."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from azora.config.environment import Environment, Hosts
from azora.config.settings import Settings
from azora.errors import HelmFailed
from azora.gateways.helm.client import Helm
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.namespace import Namespace
from tests.support.api_server import ApiServer, api_server
from tests.support.polling import until
from tests.support.rendering import helm_program

NAME = "shop-green"
NEVER_READY = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: store}
spec:
  selector: {matchLabels: {app: store}}
  template: {metadata: {labels: {app: store}}, spec: {containers: [{name: store, image: store}]}}
"""
NEVER_DONE = """\
apiVersion: batch/v1
kind: Job
metadata: {name: goodbye, annotations: {helm.sh/hook: pre-delete}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: goodbye, image: goodbye}]}}}
"""


@dataclass(frozen=True)
class Shop:
    """A namespace of its own, with Helm and a chart for it."""

    kubeconfig: Path
    cluster: Cluster
    helm: Helm
    chart: Path

    def install(self) -> None:
        self.helm.upgrade(NAME, self.chart, {}, timeout_seconds=30, wait=False)

    @property
    def left(self) -> list[str]:
        """Objects of the chart, and the states of Helm's revisions."""
        namespace = self.cluster.namespace
        objects = namespace.api.get(f"{namespace.apps}/deployments")["items"]
        revisions = namespace.api.get(f"{namespace.core}/secrets", labelSelector="owner=helm")["items"]
        return [one["metadata"]["name"] for one in objects] + [one["metadata"]["labels"]["status"] for one in revisions]

    def kill(self, *arguments: str, at: str) -> None:
        """SIGKILL `helm *arguments*`, which waits, once *at* is there."""
        flags = [f"--namespace={self.cluster.namespace.name}", f"--kubeconfig={self.kubeconfig}", "--timeout=60s"]
        with subprocess.Popen([helm_program(), *arguments, *flags]) as helm:
            until(lambda: at in self.left, seconds=20, what=f"Helm comes to {at}")
            helm.send_signal(signal.SIGKILL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture
def shop(server: ApiServer, tmp_path: Path) -> Shop:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")
    (tmp_path / "templates/store.yaml").write_text(NEVER_READY)
    hosts = Hosts(live="shop", preview="next.shop")
    here = Environment(name="staging", namespace=f"shop-{uuid4().hex[:8]}", hosts=hosts, data=False)
    server.api().create("/api/v1/namespaces", {"metadata": {"name": here.namespace}})
    file = server.kubeconfig()
    settings = Settings(helm=helm_program(), application="shop", kubeconfig=file, kube_context=None, identities=None)
    return Shop(file, Cluster(Namespace(server.api(), here, "shop")), Helm(here, settings), tmp_path)


@pytest.mark.parametrize("state", ["deployed", "failed", "pending-install"])
def test_uninstall(shop: Shop, state: str) -> None:
    """Objects and revisions are gone, also where Helm was killed half-way; a second time does no harm."""
    if state == "deployed":
        shop.install()
    elif state == "failed":
        with pytest.raises(HelmFailed):
            shop.helm.upgrade(NAME, shop.chart, {}, timeout_seconds=1)
    else:
        shop.kill("install", NAME, str(shop.chart), "--wait", at="store")
    assert shop.left == ["store", state]
    for _ in range(2):
        shop.helm.uninstall(NAME, timeout_seconds=10)
        assert shop.left == []


def test_killed_uninstall(shop: Shop) -> None:
    """A killed removal is repaired, and the next installation comes over it."""
    shop.cluster.record.add_helm_release(NAME)
    hook = shop.chart / "templates/hook.yaml"
    hook.write_text(NEVER_DONE)
    shop.install()
    shop.kill("uninstall", NAME, at="uninstalling")
    hook.unlink()
    assert shop.cluster.look().pending == (NAME,)
    shop.cluster.forget_pending(NAME)
    shop.install()
    assert shop.left == ["store", "deployed"]
