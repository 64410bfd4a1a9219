"""Rules of hosts: judged by the API server for a new object, by Azora for one that is there."""

from __future__ import annotations

from contextlib import suppress

import pytest
from _pytest.mark.structures import ParameterSet

from azora.config.json_object import Json
from azora.core.gate.hosts import broken_rule
from azora.core.gate.marks import Marks
from azora.errors import Refused, TransientError
from azora.gateways.kubernetes.api import Api
from azora.operations.hosts_check import against_the_rules
from tests.support.api_server import ApiServer
from tests.support.attacks import component_of
from tests.support.gated import Gated, configuration, gated, ingress
from tests.support.gated_command import azora
from tests.support.polling import until

LIVE, PREVIEW = "hosts.example.org", "next.hosts.example.org"
CHALLENGE = "/.well-known/acme-challenge/tOken-1_"
ALIAS = {"nginx.ingress.kubernetes.io/server-alias": "other.example.org"}
GATEWAY = "gateway.networking.k8s.io"
CRD: Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": f"httproutes.{GATEWAY}",
        "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/3328"},
    },
    "spec": {
        "group": GATEWAY,
        "scope": "Namespaced",
        "names": {"kind": "HTTPRoute", "plural": "httproutes", "singular": "httproute"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def route(*names: str, to: Json | None = None, redirect: str = "") -> Json:
    """An HTTPRoute of these hosts."""
    rule: Json = {"backendRefs": [to or {"name": "shop", "port": 80}]}
    if redirect:
        rule["filters"] = [{"type": "RequestRedirect", "requestRedirect": {"hostname": redirect}}]
    kind = {"apiVersion": f"{GATEWAY}/v1", "kind": "HTTPRoute", "metadata": {"name": "one"}}
    return kind | {"spec": {"hostnames": list(names), "rules": [rule]}}


def spec(**fields: object) -> Json:
    return ingress(LIVE) | {"spec": fields}


BACKEND = {"service": {"name": "shop", "port": {"number": 80}}}
ELSEWHERE, OTHERS = f"leads {LIVE} to another", "names other hosts"
JUDGED = [
    pytest.param(ingress(LIVE), None, id="the live host to the live Service"),
    pytest.param(ingress(PREVIEW, to="shop-preview"), None, id="the preview host"),
    pytest.param(ingress(LIVE, to="solver", path=CHALLENGE), None, id="a certificate's proof"),
    pytest.param(ingress(LIVE, to="shop-preview"), ELSEWHERE, id="to the preview"),
    pytest.param(ingress(LIVE, to="x", path=f"{CHALLENGE}/a"), ELSEWHERE, id="past a proof"),
    pytest.param(ingress("other.example.org"), OTHERS, id="a foreign host"),
    pytest.param(spec(rules=[{"http": ingress(LIVE)["spec"]["rules"][0]["http"]}]), OTHERS, id="every host"),
    pytest.param(spec(defaultBackend=BACKEND), OTHERS, id="a default backend"),
    pytest.param(ingress(LIVE, annotations=ALIAS), "server-alias adds hosts", id="an alias"),
    pytest.param(route(LIVE), None, id="a route to the live Service"),
    pytest.param(route(LIVE, PREVIEW), None, id="a route of both hosts"),
    pytest.param(route(PREVIEW, to={"name": "shop-preview"}), None, id="a route of the preview"),
    pytest.param(route("other.example.org"), OTHERS, id="a route of a foreign host"),
    pytest.param(route(), OTHERS, id="a route of every host"),
    pytest.param(route(LIVE, to={"name": "x"}), ELSEWHERE, id="a route elsewhere"),
    pytest.param(route(LIVE, to={"name": "shop", "namespace": "x"}), ELSEWHERE, id="another namespace"),
    pytest.param(route(LIVE, redirect="x.org"), ELSEWHERE, id="a redirect"),
]


@pytest.fixture(scope="module")
def shop(server: ApiServer) -> Gated:
    """An environment with the gate on, in a cluster with the Gateway API."""
    admin = server.api()
    admin.apply(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD['metadata']['name']}", CRD)
    until(lambda: is_served(admin), seconds=30, what="routes")
    found = gated(server, name="hosts")
    until(lambda: answer(found, route("x.org")), seconds=30, what="the policy of a new kind")
    return found


def is_served(api: Api) -> bool:
    """Return True once routes can be listed; the API server prepares its storage first."""
    with suppress(TransientError):
        return api.find(f"/apis/{GATEWAY}/v1/httproutes") is not None
    return False


def answer(shop: Gated, found: Json) -> str:
    """Refusal of *found* by the API server, empty where it is let through; a dry run."""
    try:
        shop.as_("admin").dry_run(f"{shop.path(found)}/{found['metadata']['name']}", found)
    except Refused as error:
        return error.message
    return ""


def marked(one: ParameterSet) -> ParameterSet:
    """The case; with its marker where the API server refuses it."""
    found, broken = one.values
    kind = found["kind"]  # type: ignore[index, call-overload]
    by = "policy azora-hosts" if kind == "Ingress" else "policy azora-routes"
    marks = [pytest.mark.attack(f"an {kind} that leads users elsewhere: {one.id}", by=by)] if broken else []
    return pytest.param(found, broken, id=str(one.id), marks=marks)


@pytest.mark.parametrize(("found", "broken"), [marked(one) for one in JUDGED])
def test_same_judgement(shop: Gated, found: Json, broken: str | None, request: pytest.FixtureRequest) -> None:
    """Azora and the API server name the same objects."""
    marks = Marks.of(shop.environment, "shop")
    ours = broken_rule(marks, found | {"metadata": found["metadata"] | {"namespace": shop.name}})
    theirs = answer(shop, found)
    assert (broken or "") in (ours or "")
    assert bool(ours) == bool(theirs) == bool(broken), theirs
    if mark := request.node.get_closest_marker("attack"):
        assert component_of(theirs) == mark.kwargs["by"]


def test_ingresses_from_before(server: ApiServer) -> None:
    """`azora rights apply` names what leads elsewhere, in other namespaces too, and refuses shared hosts."""
    shop = Gated(server, configuration("before-hosts"))
    shop.prepare()
    live = shop.environment.hosts.live
    shop.create("admin", ingress("*.example.org", called="wide"))
    admin = server.api()
    admin.create("/api/v1/namespaces", {"metadata": {"name": "thief"}})
    admin.create("/apis/networking.k8s.io/v1/namespaces/thief/ingresses", ingress(live, called="thief"))
    assert list(against_the_rules(shop.namespace)) == [
        f"Ingress wide: it names other hosts than {live}, next.{live}",
        f"Ingress thief: it takes {live} into namespace thief, where no policy judges it",
    ]
    asked = azora(shop, "", "rights", "apply", shop.environment.name)
    assert "Ingress thief: it takes" in asked.stdout
    assert "nobody can confirm it" in asked.stderr + asked.stdout
    assert azora(shop, "", "rights", "apply", shop.environment.name, "--yes").returncode == 0
    twin = Gated(server, configuration("twin").model_copy(update={"hosts": shop.environment.hosts}))
    refused = azora(twin, "", "rights", "apply", "twin", "--yes")
    assert f"the host {live} belongs to namespace {shop.name}" in refused.stderr
