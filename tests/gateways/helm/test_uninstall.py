"""A Helm release is removed in whatever state an installation left it, on a real API server."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from azora.config.environment import Environment, Hosts
from azora.config.settings import Settings
from azora.errors import HelmFailed
from azora.gateways.helm.client import Helm
from azora.gateways.kubernetes.api import Api
from tests.support.api_server import ApiServer, api_server
from tests.support.polling import until
from tests.support.rendering import helm_program

SHOP = Environment(name="staging", namespace="shop", hosts=Hosts(live="shop", preview="next.shop"), data=False)
NEVER_READY = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: store}
spec:
  selector: {matchLabels: {app: store}}
  template: {metadata: {labels: {app: store}}, spec: {containers: [{name: store, image: store}]}}
"""
DEPLOYMENTS, SECRETS = "/apis/apps/v1/namespaces/shop/deployments", "/api/v1/namespaces/shop/secrets"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("server")) as found:
        found.api().create("/api/v1/namespaces", {"metadata": {"name": "shop"}})
        yield found


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")
    (tmp_path / "templates/store.yaml").write_text(NEVER_READY)
    return tmp_path


@pytest.fixture
def helm(server: ApiServer) -> Helm:
    settings = Settings(
        helm=helm_program(), application="shop", kubeconfig=server.kubeconfig(), kube_context=None, identities=None
    )
    return Helm(SHOP, settings)


def left(api: Api) -> list[str]:
    """Objects of the chart, and the states of Helm's revisions."""
    revisions = api.get(SECRETS, labelSelector="owner=helm")["items"]
    found = [one["metadata"]["name"] for one in api.get(DEPLOYMENTS)["items"]]
    return found + [one["metadata"]["labels"]["status"] for one in revisions]


@pytest.mark.parametrize("state", ["deployed", "failed", "pending-install"])
def test_uninstall(server: ApiServer, helm: Helm, chart: Path, state: str) -> None:
    """Objects and revisions are gone, also where Helm was killed half-way; a second time does no harm."""
    api = server.api()
    if state == "deployed":
        helm.upgrade("shop-green", chart, {}, timeout_seconds=30, wait=False)
    elif state == "failed":
        with pytest.raises(HelmFailed):
            helm.upgrade("shop-green", chart, {}, timeout_seconds=1)
    else:
        kill_half_way(server, chart)
    assert left(api) == ["store", state]
    for _ in range(2):
        helm.uninstall("shop-green", timeout_seconds=10)
        assert left(api) == []


def kill_half_way(server: ApiServer, chart: Path) -> None:
    """SIGKILL a Helm that waits for the pods."""
    command = [helm_program(), "install", "shop-green", str(chart), "--namespace=shop", "--wait", "--timeout=60s"]
    with subprocess.Popen([*command, f"--kubeconfig={server.kubeconfig()}"]) as helm:
        until(lambda: "store" in left(server.api()), seconds=20, what="Helm made the objects")
        helm.send_signal(signal.SIGKILL)
