"""A namespace that holds something already: a first release is refused by name and changes nothing.

Once the namespace is empty, the release works.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from azora.config.settings import settings
from azora.core.colors import Color
from azora.errors import Refused
from azora.local.layout import layout
from azora.local.programs import programs
from azora.operations.promotion import chart_values
from azora.operations.promotion.context import Context
from tests.support import pipeline
from tests.support.guestbook import Guestbook, git, guestbook
from tests.support.step_by_step import walk

PREFIX, NAME = "guests", "staging"
NAMESPACE = f"{PREFIX}-{NAME}"
KINDS = "services,configmaps,secrets,deployments,replicasets,pods,ingresses,leases"
EVERYBODY_S = "kube-root-ca.crt"


@pytest.fixture(scope="module")
def book(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guestbook]:  # noqa: ARG001 - the node must be up
    with guestbook(tmp_path_factory.mktemp("guests"), PREFIX, {NAME: {}}) as made:
        yield made


@pytest.fixture(scope="module")
def promotion(book: Guestbook) -> Context:
    """Promotion of the guestbook's first release, by the pipeline's account."""
    return book.context(book.release(git(book.repository, "rev-parse", "HEAD")), NAME)


def kubectl(*arguments: str) -> str:
    return pipeline.kubectl("-n", NAMESPACE, *arguments)


def objects() -> dict[str, str]:
    """Version of every object of the namespace, Azora's record and Lease among them."""
    found = json.loads(kubectl("get", KINDS, "-o", "json"))["items"]
    named = {f"{one['kind']} {one['metadata']['name']}": one["metadata"]["resourceVersion"] for one in found}
    return {name: version for name, version in named.items() if EVERYBODY_S not in name}


def helm(*arguments: str) -> None:
    """Run Helm as the team does by hand."""
    flags = (f"--kubeconfig={layout(settings().node).kubeconfig}", "--namespace", NAMESPACE)
    subprocess.run([str(programs() / "helm"), *arguments, *flags], check=True, capture_output=True, timeout=60)


@contextmanager
def a_helm_release(tmp_path: Path, name: str = "guestbook-blue") -> Iterator[None]:
    """Install a Helm release of the team's own chart for the block."""
    chart = tmp_path / "team"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("{apiVersion: v2, name: team, version: 1.0.0}\n")
    settings_of_the_team = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "team"}, "data": {"a": "b"}}
    (chart / "templates/settings.yaml").write_text(json.dumps(settings_of_the_team))
    helm("install", name, str(chart))
    yield
    helm("uninstall", name)


@contextmanager
def a_service(_: Path) -> Iterator[None]:
    kubectl("create", "service", "clusterip", "guestbook", "--tcp=80")
    yield
    kubectl("delete", "service", "guestbook")


@pytest.mark.parametrize(
    ("there", "named"),
    [
        pytest.param(a_helm_release, "Helm release guestbook-blue", id="Helm release"),
        pytest.param(a_service, "Service guestbook", id="object"),
    ],
)
def test_namespace_that_holds_something(
    promotion: Context, tmp_path: Path, there: Callable[[Path], AbstractContextManager[None]], named: str
) -> None:
    """It is refused, names what is there, and writes nothing: no object differs, there is no record and no Lease."""
    with there(tmp_path):
        before = objects()
        with pytest.raises(Refused) as refused:
            promotion.first_look()
        assert refused.value.message.endswith(f"it contains objects that are not Azora's:\n  {named}")
        assert "a separate namespace" in refused.value.advice
        assert objects() == before
    assert objects() == {}


def test_object_made_after_the_look(promotion: Context, tmp_path: Path) -> None:
    """An object that is made between our look and Helm's is refused by Helm, and stays as it is."""
    delivery = promotion.delivery
    router = chart_values.router_values(delivery, Color.BLUE, delivery.release.label)
    chart = delivery.folder / delivery.application.charts.router
    with a_service(tmp_path):
        before = objects()
        with pytest.raises(Refused, match=r'Service "guestbook" in namespace .* exists'):
            promotion.helm.upgrade("guestbook", chart, router, timeout_seconds=30, wait=False)
        assert objects() == before


def test_namespace_that_was_emptied(book: Guestbook, promotion: Context, tmp_path: Path) -> None:
    """It serves, its Helm releases are on record, and what comes in the way of the next one is refused as before."""
    promotion.first_look()
    walk(promotion)
    assert "Guestbook" in book.page(NAME).text
    assert promotion.cluster.record.helm_releases() == ("guestbook", "guestbook-blue")
    with a_helm_release(tmp_path, "guestbook-green"), pytest.raises(Refused, match="Helm release guestbook-green"):
        promotion.first_look()
    promotion.first_look()
    pipeline.empty(NAME)
