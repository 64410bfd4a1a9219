"""Foreign objects in a namespace: named and refused before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

import tasks.promotion
from azora.config.application import load_application
from azora.config.environment import Environment, Hosts
from azora.config.json_object import Json
from azora.config.settings import ROOT
from azora.core.cluster.ownership import each_of, enumerated, foreign, installed_by_us, with_installed
from azora.core.cluster.state import World
from azora.core.colors import Color
from azora.core.release.delivery import Delivery
from azora.core.release.release import Release
from azora.errors import BadInput, Refused
from azora.gateways.helm.client import Helm
from azora.gateways.kubernetes.api import Missing
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.namespace import Namespace
from azora.operations.promotion import chart_values, preview
from azora.operations.promotion.context import Context
from azora.operations.promotion.observer import SILENT
from azora.operations.promotion.takeover import remove_leftover_hooks

SHOP = Environment(name="staging", namespace="shop", hosts=Hosts(live="shop", preview="next.shop"), data=False)
GUESTBOOK = ROOT / "docs/examples/guestbook"
OURS = '["guestbook-blue"]'


def thing(kind: str = "Service", name: str = "shop", version: str = "v1", **annotations: str) -> Json:
    """An object as a chart renders it, or its like in the cluster."""
    said = {key.replace("_", "-"): value for key, value in annotations.items()}
    known = {"hook": "helm.sh/hook", "owner": "meta.helm.sh/release-name", "of": "meta.helm.sh/release-namespace"}
    metadata = {"name": name, "annotations": {known[key]: value for key, value in said.items()}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


@pytest.mark.parametrize(
    ("record", "names"),
    [
        pytest.param({}, (), id="no record"),
        pytest.param({"question.run": "{}", "tally": "{}"}, (), id="nothing was installed yet"),
        pytest.param({"helm": '["a","b"]'}, ("a", "b"), id="listed"),
        pytest.param(
            {"helm": '["shop-blue"]', "green": "{}"}, ("shop-blue",), id="the list alone counts where there is one"
        ),
        pytest.param(
            {"blue": "{}", "router": "x", "data": "y"},
            ("shop-blue", "shop", "shop-data"),
            id="an older version's record",
        ),
        pytest.param({"green": "{}"}, ("shop-green",), id="one color of an older version's"),
        pytest.param(
            {"releases": "[]", "migrating": "[]"},
            ("shop-blue", "shop-green"),
            id="an older version's first installation was killed",
        ),
    ],
)
def test_helm_releases_of_a_record(record: dict[str, str], names: tuple[str, ...]) -> None:
    """The record's list names Azora's Helm releases; without a list the record's keys do."""
    assert installed_by_us(record, "shop") == names


@pytest.mark.parametrize("text", ["shop", '{"a": 1}', "[1]", ""])
def test_helm_list_broken_by_hand(text: str) -> None:
    """A list that cannot be read is refused."""
    with pytest.raises(BadInput, match="could not read which Helm releases are Azora's"):
        installed_by_us({"helm": text}, "shop")


@pytest.mark.parametrize(
    ("record", "text"),
    [
        pytest.param({}, '["shop-green"]', id="the first one"),
        pytest.param({"helm": '["shop-blue"]'}, '["shop-blue","shop-green"]', id="one more"),
        pytest.param({"helm": '["shop-green"]'}, None, id="listed already"),
        pytest.param({"green": "{}", "router": "x"}, '["shop","shop-green"]', id="an older record gets its list"),
    ],
)
def test_helm_list_with_one_more(record: dict[str, str], text: str | None) -> None:
    """A new Helm release is added to the list once."""
    assert with_installed(record, "shop", "shop-green") == text


SERVICE = thing()
HOOK = thing("Job", "shop-migrations", "batch/v1", hook="pre-install")


@pytest.mark.parametrize(
    ("rendered", "there", "is_ours", "named"),
    [
        pytest.param(SERVICE, thing(owner="shop", of="shop"), True, None, id="ours"),
        pytest.param(SERVICE, thing(owner="shop"), True, None, id="ours, by name alone"),
        pytest.param(SERVICE, thing(), True, "Service shop", id="made by kubectl"),
        pytest.param(
            SERVICE,
            thing(owner="team", of="shop"),
            True,
            "Service shop (of Helm release team)",
            id="of another release",
        ),
        pytest.param(
            SERVICE,
            thing(owner="shop", of="other"),
            True,
            "Service shop (of Helm release shop)",
            id="of another namespace",
        ),
        pytest.param(
            SERVICE,
            thing(owner="shop", of="shop"),
            False,
            "Service shop (of Helm release shop)",
            id="not listed: no name helps",
        ),
        pytest.param(HOOK, HOOK, True, None, id="a hook that an earlier run left"),
        pytest.param(HOOK, HOOK, False, "Job shop-migrations", id="a hook of a release that is not listed"),
        pytest.param(
            HOOK, thing("Job", "shop-migrations", "batch/v1"), True, "Job shop-migrations", id="no hook there"
        ),
        pytest.param(
            SERVICE, {**SERVICE, "metadata": {"name": "shop"}}, True, "Service shop", id="without any annotation"
        ),
    ],
)
def test_owner_of_an_object(rendered: Json, there: Json, is_ours: bool, named: str | None) -> None:
    """Helm's annotations, or the hook of a listed Helm release, make an object Azora's."""
    found = foreign("shop", "shop", [(rendered, there["metadata"])], is_ours=is_ours)
    assert list(found) == ([named] if named else [])


def test_objects_within_lists() -> None:
    """Each object within a List, at any depth, is checked."""
    wrapped = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [thing(name="a"), {"kind": "ServiceList", "items": [thing(name="b")]}],
    }
    assert [found["metadata"]["name"] for found in each_of([wrapped, thing(name="c")])] == ["a", "b", "c"]


@pytest.mark.parametrize(("count", "end"), [(1, "thing 0"), (8, "thing 7"), (9, "… and 1 more"), (40, "… and 32 more")])
def test_foreign_objects_in_a_message(count: int, end: str) -> None:
    """A message names the first objects, and counts the rest."""
    lines = enumerated([f"thing {number}" for number in range(count)]).splitlines()
    assert lines[0] == ""
    assert lines[-1] == f"  {end}"
    assert len(lines) <= 10


class Api:
    """Namespace of an API server: *objects* by path, and a log of requests; Roles may not be listed."""

    KINDS: ClassVar = {
        "/api/v1": {"Service": "services", "Secret": "secrets", "ConfigMap": "configmaps"},
        "/apis/apps/v1": {"Deployment": "deployments"},
        "/apis/networking.k8s.io/v1": {"Ingress": "ingresses"},
        "/apis/rbac.authorization.k8s.io/v1": {"Role": "roles"},
    }

    def __init__(self, **objects: list[Json]) -> None:
        self.objects = objects
        self.record: dict[str, str] | None = None
        self.asked: list[str] = []
        self.done: list[str] = []

    def find(self, path: str) -> Json | None:
        self.asked.append(path)
        if path.endswith("/configmaps/azora-record"):
            return None if self.record is None else {"data": self.record}
        if path in self.KINDS:
            plurals = {**self.KINDS[path], "Scale": "deployments/scale"}
            everywhere = [{"kind": "ClusterRole", "name": "clusterroles", "namespaced": False}]
            return {"resources": [{"kind": k, "name": n, "namespaced": True} for k, n in plurals.items()] + everywhere}
        return {} if path == "/api/v1/namespaces/shop" else None

    def metadata(self, path: str, labelSelector: str = "") -> list[Json]:  # noqa: N803 - Kubernetes' name
        self.asked.append(path)
        plural = path.rsplit("/", 1)[-1]
        if plural == "roles":
            raise Refused("could not read it: forbidden")
        if plural not in self.objects and "/namespaces/shop/" not in path:
            raise Missing("could not read it")
        found = self.objects.get(plural, [])
        return [one["metadata"] for one in found if bool(labelSelector) == ("labels" in one["metadata"])]

    def delete(self, path: str) -> None:
        self.done.append(f"delete {' '.join(path.rsplit('/', 2)[-2:])}")

    def create(self, path: str, body: Json) -> None:
        name = body["metadata"]["name"]
        self.done.append(f"create {path.rsplit('/', 1)[-1]} {name}")
        self.record = {} if name == "azora-record" else self.record

    def patch(self, path: str, body: Json) -> None:
        if path.endswith("/azora-record"):
            assert self.record is not None
            self.record |= body["data"]
        self.done += [f"write {key}" for key in body["data"]]


class Rendering(Helm):
    """Charts that render what the test says; an installation that is only noted."""

    def __init__(self, api: Api, *more: Json) -> None:
        self.api = api
        self.more = more
        self.rendered: list[str] = []

    def render(self, name: str, chart: Path, values: Json) -> list[Json]:  # noqa: ARG002 - as Helm's
        self.rendered.append(name)
        if name == "guestbook":
            return [thing(name="guestbook"), thing("Ingress", "guestbook", "networking.k8s.io/v1")]
        return [thing("Deployment", f"{name}-front", "apps/v1"), thing(name=f"{name}-front"), *self.more]

    def upgrade(self, name: str, *_: Any, **__: Any) -> int:
        self.api.done.append(f"upgrade {name}")
        return 1


def helm_secret(name: str, **labels: str) -> Json:
    return {"metadata": {"name": f"sh.helm.release.v1.{name}", "labels": {"owner": "helm", "name": name, **labels}}}


def context_for(api: Api, *more: Json) -> Context:
    release = Release(
        application="guestbook",
        commit="a" * 40,
        images={"front": "r/front@sha256:1", "store": "r/store@sha256:2"},
        charts_digest="1",
        values_digest="2",
    )
    application = load_application(GUESTBOOK)
    values: dict[str, Json] = {chart: {} for _, chart in application.charts if chart}
    delivery = Delivery(release, application, SHOP, GUESTBOOK, lambda: GUESTBOOK, values, "run")
    return Context(
        delivery, Cluster(Namespace(cast(Any, api), SHOP, "guestbook")), Rendering(api, *more), cast(Any, None)
    )


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the first look has tests of its own."""
    monkeypatch.setattr(Context, "look", lambda _: None)


@pytest.mark.usefixtures("looked")
@pytest.mark.parametrize(
    ("there", "record", "named"),
    [
        pytest.param(
            {"secrets": [helm_secret("guestbook-blue")]}, None, "Helm release guestbook-blue", id="a Helm release"
        ),
        pytest.param(
            {"secrets": [helm_secret("guestbook-green")]},
            {"helm": OURS},
            "Helm release guestbook-green",
            id="the other color",
        ),
        pytest.param({"services": [thing(name="guestbook")]}, None, "Service guestbook", id="the live Service"),
        pytest.param(
            {"services": [thing(name="guestbook")]}, {"tally": "{}"}, "Service guestbook", id="the record lists none"
        ),
        pytest.param(
            {"deployments": [thing("Deployment", "guestbook-green-front", owner="team", of="shop")]},
            {"helm": OURS},
            "Deployment guestbook-green-front (of Helm release team)",
            id="an object of a color that was never installed",
        ),
    ],
)
def test_first_look_at_foreign_objects(there: dict[str, list[Json]], record: dict[str, str] | None, named: str) -> None:
    """It names what is there and how to go on, and writes nothing: no record either."""
    api = Api(**there)
    api.record = record
    with pytest.raises(Refused) as refused:
        context_for(api).first_look()
    assert refused.value.message == f"could not install into shop: it contains objects that are not Azora's:\n  {named}"
    assert "use a separate namespace for staging, or hand these over" in refused.value.advice
    assert api.done == []


@pytest.mark.usefixtures("looked")
@pytest.mark.parametrize(
    "there",
    [
        pytest.param({}, id="empty"),
        pytest.param(
            {"services": [thing(name="shop")], "secrets": [helm_secret("guestbook-data")]}, id="what no chart names"
        ),
    ],
)
def test_first_look_without_a_conflict(there: dict[str, list[Json]]) -> None:
    """An empty namespace, and objects that no chart names, are accepted."""
    context_for(Api(**there)).first_look()


@pytest.mark.usefixtures("looked")
def test_first_look_at_known_releases() -> None:
    """Known Helm releases cost one read of the record and no rendering."""
    api = Api(services=[thing(name="guestbook")])
    api.record = {"helm": '["guestbook","guestbook-blue","guestbook-green"]'}
    walker = context_for(api)
    walker.first_look()
    assert cast(Rendering, walker.helm).rendered == []
    assert set(api.asked) == {"/api/v1/namespaces/shop/configmaps/azora-record"}


@pytest.mark.usefixtures("looked")
def test_first_look_lists_each_kind_once() -> None:
    """Three charts with Services cost one list of Services, and one look at what kinds there are."""
    api = Api()
    context_for(api).first_look()
    asked = [path for path in api.asked if not path.endswith("azora-record")]
    assert sorted(asked) == sorted(set(asked))


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(thing("ClusterRole", "x", "rbac.authorization.k8s.io/v1"), id="of no namespace"),
        pytest.param(thing("Role", "x", "rbac.authorization.k8s.io/v1"), id="may not be listed"),
        pytest.param(thing("Widget", "x", "example.org/v1"), id="kind of no cluster"),
        pytest.param(thing("Widget", "x"), id="kind of no such group"),
        pytest.param({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x-"}}, id="without a name"),
    ],
)
def test_objects_that_are_not_checked(odd: Json) -> None:
    """Cluster-wide, unknown and nameless objects are left to Helm and the API server."""
    api = Api()
    walker = context_for(api, odd)
    walker.claim("guestbook-blue", Path(), {})
    assert api.record is not None
    assert api.record["helm"] == OURS


STEPS: dict[str, Callable[[Context], object]] = {
    "guestbook-data": preview.install_data,
    "guestbook-blue": lambda walker: preview.install_preview(walker, SILENT),
    "guestbook": preview.install_router,
}


@pytest.mark.parametrize(
    ("policy", "removed"),
    [
        pytest.param("hook-succeeded", True, id="kept after a failure"),
        pytest.param("hook-succeeded, hook-failed", True, id="kept by a killed Helm"),
        pytest.param("before-hook-creation,hook-succeeded", False, id="removed by Helm"),
        pytest.param("", False, id="Helm's default"),
        pytest.param(None, False, id="no hook"),
    ],
)
def test_hook_that_an_earlier_installation_left(policy: str | None, removed: bool) -> None:
    """It is removed where Helm would meet it and fail, at every later release."""
    hook = thing(name="guestbook-blue-migrate", **({} if policy is None else {"hook": "pre-upgrade"}))
    if policy:
        hook["metadata"]["annotations"]["helm.sh/hook-delete-policy"] = policy
    api = Api(services=[hook])
    context = context_for(api, hook)
    chart = ("guestbook-blue", context.delivery.folder, {})
    named = remove_leftover_hooks(context.cluster, context.helm, chart)
    assert named == (["Service guestbook-blue-migrate"] if removed else [])
    assert api.done == (["delete services guestbook-blue-migrate"] if removed else [])


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of the first release, without its Lease and without users."""
    monkeypatch.setattr(Context, "hold", lambda _: None)
    monkeypatch.setattr(Cluster, "look", lambda _: World())
    monkeypatch.setattr(preview, "await_answer", lambda *_: None)
    monkeypatch.setattr(chart_values, "data_values", lambda _: {})
    monkeypatch.setattr(chart_values, "data_digest", lambda _: "1")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("name", STEPS)
def test_installation_is_recorded_first(name: str) -> None:
    """A Helm release is recorded before its installation: a killed one is known as Azora's."""
    api = Api()
    STEPS[name](context_for(api))
    assert api.done[:3] == ["create configmaps azora-record", "write version", "write helm"]
    assert api.done.index(f"upgrade {name}") > 2
    assert api.record is not None
    assert json.loads(api.record["helm"]) == [name]


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("name", STEPS)
def test_installation_over_a_foreign_object(name: str) -> None:
    """Each installation checks again: it writes nothing and leaves no migration in doubt."""
    there = {
        "services": [thing(name="guestbook"), thing(name="guestbook-blue-front"), thing(name="guestbook-data-front")]
    }
    api = Api(**there)
    api.record = {"helm": '["guestbook","guestbook-blue","guestbook-data"]'}
    with pytest.raises(Refused, match="it contains objects that are not Azora's"):
        STEPS[name](context_for(api))
    assert api.done == []


@pytest.mark.usefixtures("alone")
def test_installation_after_a_killed_one() -> None:
    """Objects that a killed installation left are Azora's."""
    api = Api(services=[thing(name="guestbook-blue-front", owner="guestbook-blue", of="shop")])
    api.record = {"helm": OURS}
    preview.install_preview(context_for(api), SILENT)
    assert "upgrade guestbook-blue" in api.done


def test_charts_that_are_checked() -> None:
    """The check covers the router and the stacks of both colors."""
    named = {name for name, _, _ in chart_values.everything(context_for(Api()).delivery)}
    assert named == {"guestbook", *(f"guestbook-{color}" for color in Color)}


def test_repair_of_pending_helm_releases() -> None:
    """A pending Helm release is repaired only where the record lists it, whatever its name is."""
    states = ("guestbook-blue", "guestbook-data")
    secrets = [helm_secret(name, status="pending-upgrade", version="2") for name in states]
    cluster = Cluster(Namespace(cast(Any, Listing(OURS, secrets)), SHOP, "guestbook"))
    assert cluster.look().pending == ("guestbook-blue",)


class Listing:
    """A namespace with Helm's Secrets, the record and nothing else."""

    def __init__(self, listed: str, secrets: list[Json]) -> None:
        self.record = {"data": {"helm": listed}}
        self.secrets = secrets

    def find(self, path: str) -> Json | None:
        return self.record if path.endswith("/azora-record") else None

    def get(self, path: str, **_: str) -> Json:
        return {"items": self.secrets if path.endswith("/secrets") else []}


def test_promotion_of_a_refused_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Lease is taken and no approval requested in a namespace that is refused."""

    def refused(*_: object) -> None:
        raise Refused("could not install")

    def never(*_: object, **__: object) -> None:
        raise AssertionError("it went on")

    for name, does in {"look": refused, "context_of": never, "ask": never, "held": never}.items():
        monkeypatch.setattr(tasks.promotion, name, does)
    with pytest.raises(Refused):
        tasks.promotion.promote("staging", context_for(Api()).delivery.release)


def test_run_count_without_a_record() -> None:
    """A refused run writes no count into a namespace of somebody else."""
    api = Api()
    cluster = Cluster(Namespace(cast(Any, api), SHOP, "guestbook"))
    cluster.record.count(lambda tally: tally)
    assert api.done == []
