"""The gate over a running production, on a real API server with its controllers."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from azora.config.json_object import Json
from azora.core.cluster.record import Switch, annotation_of
from azora.core.colors import Color
from azora.errors import Refused
from azora.gateways.kubernetes.api import Missing
from azora.gateways.kubernetes.approved_store import approved_of, write_approved
from azora.gateways.kubernetes.gate import gate_of, running, to_take_over, turn_off, turn_on
from tests.support.api_server import ApiServer
from tests.support.gated import (
    ADA,
    BOB,
    DEV,
    NOW,
    OLGA,
    R0,
    R1,
    R2,
    SECURE,
    Gated,
    configuration,
    deployment,
    digest,
    gated,
    image,
    ingress,
    job,
    pod,
    selector,
    service,
)
from tests.support.polling import until, until_it_is

LIVE = service(R1)
OVERRIDE = "azora.dev/override"


@pytest.fixture
def shop(server: ApiServer) -> Gated:
    """One approval is enough; R1 runs in blue and R0 in green, both taken over."""
    return gated(server)


def switch(shop: Gated, who: str, release: str, **more: object) -> Json:
    return shop.patch(who, LIVE, {"spec": {"selector": selector(release)}, **more})


def selected(shop: Gated) -> str:
    found = shop.as_("admin").get(f"{shop.path(LIVE)}/shop")
    return str(found["spec"]["selector"]["azora.dev/release"])


def pods(shop: Gated, number: object) -> list[str]:
    """Names of pods with that image."""
    found = shop.as_("admin").get(f"{shop.namespace.core}/pods")["items"]
    return [one["metadata"]["name"] for one in found if one["spec"]["containers"][0]["image"] == image(number)]


def scaled(shop: Gated, who: str, name: str, replicas: int) -> None:
    path = f"{shop.namespace.apps}/deployments/{name}/scale"
    shop.as_(who).patch(path, {"spec": {"replicas": replicas}})


def test_gate_over_a_running_production(server: ApiServer) -> None:
    """Both colors, the databases and the switch log count as approved; nothing is interrupted."""
    shop = Gated(server, configuration("early", minimum=2))
    shop.prepare()
    found = running(shop.namespace)
    assert found.tagged == ()
    assert set(found.items) == {R0, R1, digest(0), digest(1), digest(5)}
    shop.gate_on()
    gate = gate_of(shop.namespace)
    assert gate.is_on
    assert gate.differences(shop.environment, "shop") == []
    assert approved_of(shop.namespace).missing(found.items, 2) == ()
    switch(shop, "pipeline", R0)
    switch(shop, "pipeline", R1)
    shop.patch("pipeline", deployment(R1), {"metadata": {"annotations": {"a": "b"}}})


def test_gate_twice(shop: Gated) -> None:
    """A second run of the command takes nothing over again, and removes no approval."""
    shop.approve(ADA, R2)
    before = approved_of(shop.namespace)
    shop.gate_on()
    assert approved_of(shop.namespace) == before
    turn_on(shop.namespace, [R2])
    assert approved_of(shop.namespace).stands(R2)


def test_higher_minimum(shop: Gated) -> None:
    """An approved release that runs is taken over when two must approve; the log alone takes nothing over."""
    shop.approve(ADA, R2)
    planted = Switch(number=2, at=NOW, kind="switch", came_from=None, to=Color.BLUE, release="9" * 40, by=DEV)
    note = {"azora.dev/switches": annotation_of((planted,))}
    until_allowed(lambda: switch(shop, "pipeline", R2, metadata={"annotations": note}))
    assert "9" * 40 in running(shop.namespace).items
    stricter = replace(shop, environment=configuration(shop.environment.name, minimum=2))
    assert to_take_over(stricter.namespace, running(shop.namespace).items) == (R2,)


def test_image_by_tag(server: ApiServer) -> None:
    """An image that no digest names is listed: its pods would be refused when they are made anew."""
    shop = Gated(server, configuration("tagged"))
    shop.prepare()
    shop.create("admin", deployment(R1, "shop:1", called="more"))
    assert running(shop.namespace).tagged == ("shop:1",)


def test_promotion(shop: Gated) -> None:
    """One approval lets the pipeline install the release, migrate, switch, and note it on the Service."""
    green = deployment(R2, image(2), called="new")
    with pytest.raises(Refused, match="do not have 1 approvals"):
        shop.create("pipeline", green)
    shop.approve(ADA, R2, digest(2))
    until_allowed(lambda: shop.create("pipeline", green))
    shop.create("pipeline", job(R2, image(2)))
    switch(shop, "pipeline", R2, metadata={"annotations": {"azora.dev/switches": "[]"}})
    until(lambda: pods(shop, 2), seconds=30, what="pods of the new release")


def test_promotion_by_two_people(server: ApiServer) -> None:
    """Two names count; one name twice does not."""
    shop = gated(server, minimum=2)
    shop.approve(ADA, R2)
    approved = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "azora-approved"}}
    shop.patch(ADA, approved, {"data": {"approved": f"{R2} {ADA}\n{R2} {ADA}"}})
    time.sleep(1)
    with pytest.raises(Refused, match="1 of 2 approvals"):
        switch(shop, "pipeline", R2)
    shop.approve(BOB, R2)
    until_allowed(lambda: switch(shop, "pipeline", R2))


def test_return_after_a_bad_switch(shop: Gated) -> None:
    """The automatic return goes to the release that was running, which nobody approved."""
    shop.approve(ADA, R2)
    until_allowed(lambda: switch(shop, "pipeline", R2))
    switch(shop, "pipeline", R1)
    assert selected(shop) == R1


@pytest.mark.parametrize("release", [pytest.param(R0, id="plain"), pytest.param(R2, id="numbered, approved before")])
def test_rollback(shop: Gated, release: str) -> None:
    """A rollback to what served before, and to a release that was approved, needs no new approval."""
    shop.approve(ADA, R2)
    until_allowed(lambda: switch(shop, "pipeline", release))
    switch(shop, "pipeline", R1)
    switch(shop, "pipeline", release)


def test_restart_and_scale(shop: Gated) -> None:
    """Pods of what was taken over are made anew, and there are more of them; of nothing else."""
    (first,) = until(lambda: pods(shop, 1), seconds=30, what="the pod")
    shop.as_(DEV).delete(f"{shop.namespace.core}/pods/{first}")
    until(lambda: set(pods(shop, 1)) - {first}, seconds=30, what="another pod")
    scaled(shop, DEV, "shop-blue-front", 3)
    until_it_is(3, lambda: len(pods(shop, 1)), seconds=30, what="three pods")


def test_workload_from_before(server: ApiServer) -> None:
    """A workload that was not taken over can still be changed, but not its images, and it makes no pods."""
    shop = Gated(server, configuration("before"))
    shop.prepare()
    shop.create("admin", deployment(R2, image(9), called="unknown") | {"spec": _no_replicas(R2)})
    turn_on(shop.namespace, [R1, digest(1)])
    unknown = deployment(R2, called="unknown")
    shop.patch("pipeline", unknown, {"metadata": {"annotations": {"a": "b"}}})
    scaled(shop, "admin", "unknown", 1)
    until(lambda: _condition(shop, "unknown", "ReplicaFailure"), seconds=30, what="the refusal of its pods")
    assert pods(shop, 9) == []


def test_other_workloads(shop: Gated) -> None:
    """Pods without the application's label, other Services and other ConfigMaps are left alone."""
    shop.create(DEV, deployment("", "tool:1", name="tool", called="tool"))
    shop.create(DEV, pod("", "tool:1", name="tool", called="tool"))
    shop.create(DEV, service("", called="tool", selector={"app": "tool"}))
    shop.create("pipeline", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "azora-record"}})
    label = {"metadata": {"labels": {"app.kubernetes.io/name": "shop"}}}
    with pytest.raises(Refused, match="images of shop"):
        shop.patch(DEV, pod("", called="tool"), label)


def test_rehearsal(shop: Gated) -> None:
    """A dry run as Helm is not judged: a release is tried before its approval. Other dry runs are."""
    new = deployment(R2, image(2), called="new")
    path = f"{shop.path(new)}/new"
    shop.as_("pipeline").dry_run(path, new, manager="helm")
    with pytest.raises(Refused, match="images of shop"):
        shop.as_("pipeline").dry_run(path, new)
    with pytest.raises(Missing):
        shop.as_("admin").get(path)


def test_sidecar_of_a_mesh(server: ApiServer) -> None:
    """A digest of the environment's file is accepted beside approved images."""
    shop = gated(server, sidecars=(digest("e"),))
    shop.create(DEV, pod(R1, image(1), image("e"), called="meshed"))
    with pytest.raises(Refused, match=digest("d")):
        shop.create(DEV, pod(R1, image(1), image("d"), called="other"))


def test_debug_container(shop: Gated) -> None:
    """An ephemeral container runs an approved image or none."""
    shop.create(DEV, pod(R1, image(1), called="probed"))
    path = f"{shop.namespace.core}/pods/probed/ephemeralcontainers"
    for number, is_refused in ((9, True), (0, False)):
        body = {
            "spec": {
                "ephemeralContainers": [{"name": f"debug{number}", "image": image(number), "securityContext": SECURE}]
            }
        }
        if is_refused:
            with pytest.raises(Refused, match=digest(9)):
                shop.as_("admin").patch(path, body)
        else:
            shop.as_("admin").patch(path, body)


def test_override_of_the_live_service(shop: Gated) -> None:
    """The right and a reason in the same patch move users; the note does not count twice."""
    note = {"annotations": {OVERRIDE: f"{OLGA} the approvers are asleep"}}
    switch(shop, OLGA, R2, metadata=note)
    assert selected(shop) == R2
    with pytest.raises(Refused, match="override counts with the right"):
        switch(shop, OLGA, "9" * 40, metadata=note)


def test_override_of_pods(shop: Gated) -> None:
    """The note in a Deployment's template reaches the pods that its controllers make."""
    note = {OVERRIDE: f"{OLGA} the approvers are asleep"}
    spec = {
        "template": {"metadata": {"annotations": note}, "spec": {"containers": [{"name": "c0", "image": image(9)}]}}
    }
    path = f"{shop.namespace.apps}/deployments/shop-blue-front"
    shop.as_(OLGA).patch(path, {"spec": spec}, kind="application/strategic-merge-patch+json")
    until(lambda: pods(shop, 9), seconds=30, what="pods of the image that nobody approved")
    other = {"template": {"spec": {"containers": [{"name": "c0", "image": image(8)}]}}}
    with pytest.raises(Refused, match="images of shop"):
        shop.as_(DEV).patch(path, {"spec": other}, kind="application/strategic-merge-patch+json")


def test_hosts(shop: Gated) -> None:
    """The live host leads to the live Service, but for the path of a certificate's proof."""
    live, preview = shop.environment.hosts.live, shop.environment.hosts.preview
    shop.create(DEV, ingress(live, called="live"))
    shop.create(DEV, ingress(preview, to="shop-preview", called="preview"))
    shop.create(DEV, ingress(live, to="solver", path="/.well-known/acme-challenge/tOken-1_", called="solver"))
    for number, path in enumerate(("/", "/api", "/.well-known/acme-challenge/|/.*", "/.well-known/acme-challenge/a/b")):
        with pytest.raises(Refused, match="leads to the live Service"):
            shop.create(DEV, ingress(live, to="shop-preview", path=path, called=f"no-{number}"))
    routes = {"zalando.org/skipper-routes": 'r: Host("other") -> <shunt>'}
    with pytest.raises(Refused, match="adds hosts or routes"):
        shop.create(DEV, ingress(live, called="routes", annotations=routes))


def test_two_applications(server: ApiServer) -> None:
    """Approvals and hosts of one do not count for the other; one gate is turned off without the other."""
    one, other = gated(server), gated(server)
    one.approve(ADA, R2)
    until_allowed(lambda: switch(one, "pipeline", R2))
    with pytest.raises(Refused, match="0 of 1 approvals"):
        switch(other, "pipeline", R2)
    with pytest.raises(Refused, match="names its own hosts only"):
        other.create("pipeline", ingress(one.environment.hosts.live))
    with pytest.raises(Refused, match="forbidden"):
        other.as_("pipeline").patch(f"{one.path(LIVE)}/shop", {"spec": {"selector": selector(R1)}})
    turn_off(one.namespace)
    switch(one, "pipeline", "9" * 40)
    with pytest.raises(Refused, match="0 of 1 approvals"):
        switch(other, "pipeline", R2)


def test_gate_turned_off(shop: Gated) -> None:
    """Label, people's Roles and approvals go; the gate can be turned on again; the pipeline's rights stay."""
    turn_off(shop.namespace)
    turn_off(shop.namespace)
    assert not gate_of(shop.namespace).is_on
    switch(shop, "pipeline", R2)
    shop.gate_on()
    with pytest.raises(Refused, match="0 of 1 approvals"):
        switch(shop, "pipeline", "9" * 40)
    turn_off(shop.namespace)
    roles = shop.as_("admin").get(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{shop.name}/roles")["items"]
    assert [role["metadata"]["name"] for role in roles] == ["azora-release"]
    with pytest.raises(Missing):
        shop.as_("admin").get(f"{shop.namespace.core}/configmaps/azora-approved")


def test_namespace_deleted(shop: Gated) -> None:
    """It goes with all that is in it, also with a running Job, whose pods have finalizers."""
    shop.create("admin", job(R1, image(1)))
    finalizer = {"metadata": {"finalizers": ["example.org/load-balancer"]}}
    shop.patch("admin", LIVE, finalizer)
    until(lambda: pods(shop, 1), seconds=30, what="pods")
    shop.as_("admin").delete(shop.namespace.core)
    until(lambda: not approved_of(shop.namespace).standing, seconds=60, what="the end of azora-approved")
    shop.patch("admin", LIVE, {"metadata": {"finalizers": None}})
    until(lambda: shop.as_("admin").find(shop.namespace.core) is None, seconds=60, what="the end of the namespace")


def test_pruning(shop: Gated) -> None:
    """A person's lines go once they hold no more, except for what runs; those of others stay."""
    shop.approve(ADA, R2, digest(2))
    shop.approve(BOB, R2)
    later = NOW + timedelta(days=2)
    after = write_approved(shop.of(ADA), lambda found: found.pruned(ADA, [digest(2)], later))
    assert after.people(R2) == {BOB}
    assert after.people(digest(2)) == {ADA}
    assert [who for who, _ in after.answers()] == [BOB]


def test_many_approvals(server: ApiServer) -> None:
    """Twenty releases of forty images by two people stay within what the API server computes for a request."""
    shop = gated(server, minimum=2)
    items = [f"sha256:{number:064x}" for number in range(20 * 40)]
    for user in (ADA, BOB):
        shop.approve(user, *items, R2)
    forty = [f"registry.example.org/shop@{item}" for item in items[-40:]]
    until_allowed(lambda: shop.create("pipeline", deployment(R2, *forty, called="large")))
    switch(shop, "pipeline", R2)
    with pytest.raises(Refused, match=f"shop-{shop.environment.name}: [^,]*{digest(9)}"):
        shop.create("pipeline", deployment(R2, *forty[:39], image(9), called="other"))


def until_allowed(attempt: object) -> None:
    """Try until the policies have read the newest approvals: a moment."""
    until(lambda: _allowed(attempt), seconds=10, what="the approval to count")


def _allowed(attempt: object) -> bool:
    try:
        attempt()  # type: ignore[operator]
    except Refused:
        return False
    return True


def _no_replicas(release: str) -> Json:
    return deployment(release, image(9))["spec"] | {"replicas": 0}


def _condition(shop: Gated, name: str, kind: str) -> bool:
    found = shop.as_("admin").get(f"{shop.namespace.apps}/deployments/{name}")
    return any(one["type"] == kind for one in found.get("status", {}).get("conditions", ()))
