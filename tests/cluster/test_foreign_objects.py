"""A namespace that holds something already: a first release is refused by name and changes nothing; once that is gone, it works."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from azora.application import load_application
from azora.bluegreen import Step
from azora.colors import Color
from azora.delivery import Delivery
from azora.environment import Environment, Hosts
from azora.errors import Refused
from azora.gateways import charts
from azora.gateways.cluster import connect
from azora.gateways.helm import Helm
from azora.gateways.images import build
from azora.gateways.lease import held
from azora.gateways.promotion import Promotion
from azora.gateways.rights import grant
from azora.local.layout import layout
from azora.local.programs import programs
from azora.release import Release
from azora.settings import ROOT, Settings, settings
from tests import road

GUESTBOOK = ROOT / "docs/examples/guestbook"
APPLICATION = load_application(GUESTBOOK)
GUESTS = Environment(
    name="guests",
    namespace="guestbook-guests",
    hosts=Hosts(live="guests.guestbook.localhost", preview="preview.guests.guestbook.localhost"),
    data=False,
    settle_seconds=0.5,
)
KINDS = "services,configmaps,secrets,deployments,replicasets,pods,ingresses,leases"
EVERYBODY_S = "kube-root-ca.crt"


@pytest.fixture(scope="module")
def ours(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:  # noqa: ARG001 - the node must be up
    """The settings of a team that releases the guestbook into a namespace of its own, with an account of its own."""
    identities = tmp_path_factory.mktemp("identities")
    found = settings().model_copy(update={"application": APPLICATION.name, "identities": identities})
    remove_namespace()
    grant(GUESTS, found)
    yield found
    remove_namespace()


@pytest.fixture(scope="module")
def promotion(ours: Settings, tmp_path_factory: pytest.TempPathFactory) -> Promotion:
    """Of the guestbook's first release, as the pipeline's account."""
    log = tmp_path_factory.mktemp("logs") / "build.log"
    built = [
        build(APPLICATION.name, image, GUESTBOOK, base=ours.base_image, registry=ours.registry, log=log)
        for image in APPLICATION.images
    ]
    release = Release(
        application=APPLICATION.name,
        commit="0" * 40,
        subject="A guestbook",
        images={image.name: image.reference for image in built},
        charts_digest="charts",
        values_digest="values",
    )
    delivery = Delivery(release, APPLICATION, GUESTS, GUESTBOOK, f"test-{uuid4()}")
    return Promotion(delivery, connect(GUESTS, ours), Helm(GUESTS, ours), ours)


def remove_namespace() -> None:
    """With its account; its pods are given no time to end."""
    road.kubectl("delete", "namespace", GUESTS.namespace, "--ignore-not-found", "--wait=false")
    road.kubectl("-n", GUESTS.namespace, "delete", "pods", "--all", "--grace-period=0", "--force", "--wait=false")
    road.kubectl("wait", "--for=delete", f"namespace/{GUESTS.namespace}", "--timeout=110s")
    road.kubectl("-n", "azora-system", "delete", "serviceaccount", GUESTS.namespace, "--ignore-not-found")


def objects() -> dict[str, str]:
    """Version of every object of the namespace, Azora's record and Lease among them."""
    found = json.loads(road.kubectl("-n", GUESTS.namespace, "get", KINDS, "-o", "json"))["items"]
    named = {f"{one['kind']} {one['metadata']['name']}": one["metadata"]["resourceVersion"] for one in found}
    return {name: version for name, version in named.items() if EVERYBODY_S not in name}


def helm(*arguments: str) -> None:
    """As the team does by hand."""
    flags = (f"--kubeconfig={layout(settings().node).kubeconfig}", "--namespace", GUESTS.namespace)
    subprocess.run([str(programs() / "helm"), *arguments, *flags], check=True, capture_output=True, timeout=60)


@contextmanager
def a_helm_release(tmp_path: Path, name: str = "guestbook-blue") -> Iterator[None]:
    """Of the team's own chart."""
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
    road.kubectl("-n", GUESTS.namespace, "create", "service", "clusterip", "guestbook", "--tcp=80")
    yield
    road.kubectl("-n", GUESTS.namespace, "delete", "service", "guestbook")


@pytest.mark.parametrize(
    ("there", "named"),
    [
        pytest.param(a_helm_release, "Helm release guestbook-blue", id="Helm release"),
        pytest.param(a_service, "Service guestbook", id="object"),
    ],
)
def test_a_first_release_where_something_is(
    promotion: Promotion, tmp_path: Path, there: Callable[[Path], AbstractContextManager[None]], named: str
) -> None:
    """It is refused, names what is there, and writes nothing: no object differs, there is no record and no Lease."""
    with there(tmp_path):
        before = objects()
        with pytest.raises(Refused) as refused:
            promotion.first_look()
        assert refused.value.message.endswith(f"it holds what is not Azora's:\n  {named}")
        assert "a namespace of its own" in refused.value.advice
        assert objects() == before
    assert objects() == {}


def test_helm_itself_takes_over_nothing(promotion: Promotion, tmp_path: Path) -> None:
    """What comes between our look and Helm's is refused by Helm, and stays as it is."""
    with a_service(tmp_path):
        before = objects()
        values = charts.router_values(promotion.delivery, Color.BLUE, promotion.delivery.release.label)
        chart = GUESTBOOK / APPLICATION.charts.router
        with pytest.raises(Refused, match=r'Service "guestbook" in namespace .* exists'):
            promotion.helm.upgrade(APPLICATION.name, chart, values, timeout_seconds=30, wait=False)
        assert objects() == before


def test_the_first_release_once_it_is_gone(promotion: Promotion, tmp_path: Path) -> None:
    """By every step of a first release; its Helm releases are on record, and what comes later is refused as before."""
    take: dict[Step, Callable[[], object]] = {
        Step.INSTALL_PREVIEW: lambda: promotion.install_preview(lambda _ready, _wanted: None),
        Step.AWAIT_READY: promotion.await_ready,
        Step.INSTALL_ROUTER: promotion.install_router,
        Step.SWITCH: promotion.switch,
        Step.WATCH: lambda: promotion.watch(lambda _result: None),
        Step.BOOK: promotion.book,
    }
    promotion.first_look()
    with held(promotion.cluster, promotion.delivery.run):
        while step := promotion.next():
            take[step]()
    live = {"Host": GUESTS.hosts.live}
    assert "Guestbook" in httpx.get(f"http://{promotion.settings.ingress_address}/", headers=live, timeout=10).text
    assert promotion.cluster.helm_releases() == ("guestbook", "guestbook-blue")
    with a_helm_release(tmp_path, "guestbook-green"), pytest.raises(Refused, match="Helm release guestbook-green"):
        promotion.first_look()
    promotion.first_look()
