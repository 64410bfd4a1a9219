"""The gate on a real API server: attempts that it refuses to each account and person."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from _pytest.mark.structures import ParameterSet

from azora.config.json_object import Json
from azora.errors import AzoraError, Refused
from tests.support.api_server import ApiServer
from tests.support.gated import (
    ADA,
    BOB,
    CHIEF,
    DEV,
    OLGA,
    R1,
    R2,
    Gated,
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

Attempt = Callable[[Gated, str], object]
LIVE = service(R1)
APPROVED: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "azora-approved"}}


@pytest.fixture(scope="module")
def shop(server: ApiServer) -> Gated:
    """Two approvals needed; R2 has one, of Ada, in three lines."""
    found = gated(server, minimum=2, sidecars=(digest("e"),))
    text = "\n".join([f"{item} {ADA}" for item in (R2, digest(2)) for _ in range(3)])
    found.patch(ADA, APPROVED, {"data": {"approved": text}})
    return found


def lines(key: str, *new: str, drop: str = "\0") -> Attempt:
    """Write the lines that are there without those that contain *drop*, and *new*."""

    def attempt(shop: Gated, who: str) -> object:
        found = shop.as_("admin").get(f"{shop.path(APPROVED)}/azora-approved")["data"].get(key, "")
        kept = [line for line in found.split("\n") if line and drop not in line]
        return shop.patch(who, APPROVED, {"data": {key: "\n".join([*kept, *new])}})

    return attempt


def create(found: Json) -> Attempt:
    return lambda shop, who: shop.create(who, found)


def patch(found: Json, body: Json) -> Attempt:
    return lambda shop, who: shop.patch(who, found, body)


def select(release: str, **more: str | None) -> Attempt:
    return patch(LIVE, {"spec": {"selector": selector(release) | more}})


def delete(found: Json, *, many: bool = False) -> Attempt:
    return lambda shop, who: shop.as_(who).delete(shop.path(found) + ("" if many else f"/{found['metadata']['name']}"))


def _bindings(shop: Gated) -> str:
    return f"/apis/rbac.authorization.k8s.io/v1/namespaces/{shop.name}/rolebindings"


def _relabel(shop: Gated, who: str) -> object:
    return shop.as_(who).patch(
        f"/api/v1/namespaces/{shop.name}", {"metadata": {"labels": {"azora.dev/approval": None}}}
    )


ADDRESSES: Json = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "mine", "labels": {"kubernetes.io/service-name": "shop"}},
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["10.0.0.9"]}],
    "ports": [],
}
BY_NAME: Json = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "shop"}, "subsets": []}
CONTROLLER: Json = {
    "apiVersion": "v1",
    "kind": "ReplicationController",
    "metadata": {"name": "old"},
    "spec": {"selector": {"app.kubernetes.io/name": "shop"}, "template": deployment(R2, image(9))["spec"]["template"]},
}
BINDING: Json = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "me-too"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "azora-approve"},
    "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": CHIEF}],
}
OVERRIDE = "azora.dev/override"
VOLUME = [{"name": "v", "image": {"reference": image(9), "pullPolicy": "Always"}}]
WRITES = "are written by people with the right to approve"
OWN = "only lines that end with your own name may change"
ONE_OF_TWO = f"release {R2} has 1 of 2 approvals"
IMAGES = "these images of shop do not have 2 approvals"

ACTORS = {
    "pipeline": "the pipeline",
    DEV: "a developer",
    CHIEF: "a namespace administrator",
    ADA: "an approver",
    OLGA: "a person who may override",
}
REFUSED = [
    # -- approvals
    pytest.param("pipeline", lines("approved", f"{R2} pipeline"), WRITES, id="the pipeline writes an approval"),
    pytest.param(DEV, lines("approved", f"{R2} {DEV}"), WRITES, id="a developer writes an approval"),
    pytest.param(CHIEF, lines("approved", f"{R2} {CHIEF}"), WRITES, id="a namespace administrator approves"),
    pytest.param(BOB, lines("approved", f"{R2} {ADA}"), OWN, id="an approval in another name"),
    pytest.param(BOB, lines("approved", drop=ADA), OWN, id="the removal of another one's approval"),
    pytest.param(BOB, lines("plans", f"{{}} {ADA}"), OWN, id="an answer in another name"),
    pytest.param(
        ADA, lines("approved", f"{R2} someone {ADA}"), "a line is the label", id="two names in a line of an approval"
    ),
    pytest.param(
        "x",
        lines("approved", f"{R2} a x", f"{R2} b x"),
        "a line is the label",
        id="approvals in the names of users that end alike",
    ),
    pytest.param(
        ADA, lines("approved", f"{image(2)} {ADA}"), "a line is the label", id="the approval of an image by its name"
    ),
    pytest.param(
        ADA,
        lines("standing", f"{R2} {ADA}"),
        "takes over what runs",
        id="an approver takes a release over as if it ran before",
    ),
    pytest.param("admin", lines("approved", f"{R2} {ADA}"), OWN, id="an administrator approves in another name"),
    pytest.param(
        ADA, lines("others", f"{R2} {ADA}"), "has the keys approved, plans", id="another key beside the approvals"
    ),
    pytest.param(ADA, patch(APPROVED, {"immutable": True}), "stays changeable", id="an immutable list of approvals"),
    pytest.param(
        ADA, patch(APPROVED, {"binaryData": {"a": "YQ=="}}), "stays changeable", id="binary data beside the approvals"
    ),
    pytest.param("admin", delete(APPROVED), "is not deleted", id="the deletion of the approvals"),
    pytest.param("pipeline", delete(APPROVED), "is not deleted", id="the deletion of the approvals by the pipeline"),
    # -- the live Service
    pytest.param("pipeline", select(R2), ONE_OF_TWO, id="a switch with one of two approvals"),
    pytest.param(DEV, select(R2), ONE_OF_TWO, id="a developer's switch"),
    pytest.param("admin", select(R2), ONE_OF_TWO, id="an administrator's switch"),
    pytest.param("pipeline", select("9" * 40), "has 0 of 2 approvals", id="a switch to an unknown release"),
    pytest.param(
        "pipeline", select(R2[:20]), "has 0 of 2 approvals", id="a switch to the beginning of a release's label"
    ),
    pytest.param(
        DEV, select(R1, **{"azora.dev/release": None}), "(none named)", id="a live Service that selects no release"
    ),
    pytest.param(
        DEV,
        select(R1, **{"app.kubernetes.io/name": "x"}),
        "selects pods with",
        id="a live Service that selects pods of another name",
    ),
    pytest.param(
        DEV, patch(LIVE, {"spec": {"selector": None}}), "selects pods with", id="a live Service without a selector"
    ),
    pytest.param(
        DEV,
        patch(
            LIVE,
            {"spec": {"type": "ExternalName", "externalName": "example.org", "clusterIP": None, "clusterIPs": None}},
        ),
        "no external name",
        id="a live Service with an external name",
    ),
    pytest.param(
        DEV,
        patch(LIVE, {"spec": {"externalIPs": ["10.1.1.1"]}}),
        "no external name",
        id="a live Service with external addresses",
    ),
    pytest.param(DEV, delete(LIVE), "is not deleted", id="the deletion of the live Service"),
    pytest.param(CHIEF, delete(LIVE, many=True), "is not deleted", id="the deletion of all Services"),
    pytest.param(
        "admin",
        create(ADDRESSES),
        "the cluster itself writes the addresses",
        id="an EndpointSlice of one's own for the live Service",
    ),
    pytest.param(
        "admin",
        create(BY_NAME),
        "the cluster itself writes the addresses",
        id="Endpoints of one's own for the live Service",
    ),
    # -- pods
    *(
        pytest.param(who, create(found), IMAGES, id=f"{ACTORS[who]} installs {what}")
        for who in ("pipeline", DEV)
        for what, found in {
            "a Deployment of an unapproved image": deployment(R1, image(9), called="new"),
            "a StatefulSet of an unapproved image": deployment(R1, image(9), called="new", kind="StatefulSet"),
            "a Job of an unapproved image": job(R1, image(9)),
            "an image with one approval of two": deployment(R1, image(2), called="new"),
            "an image by tag": deployment(R1, "registry.example.org/shop:1", called="new"),
            "a tag and no digest": deployment(R1, "shop", called="new"),
            "an image with two digests, the second approved": deployment(
                R1, f"a@{digest(9)}@{digest(1)}", called="new"
            ),
            "an unapproved image as the second of two containers": deployment(R1, image(1), image(9), called="new"),
            "an unapproved image as an init container": deployment(
                R1, called="new", initContainers=[{"name": "i", "image": image(9)}]
            ),
            "an unapproved image as a volume": deployment(R1, called="new", volumes=VOLUME),
        }.items()
    ),
    *(
        pytest.param(DEV, create(found), IMAGES, id=f"{what} with an image that nobody approved")
        for what, found in {
            "a Pod": pod(R1, image(9)),
            "a DaemonSet": deployment(R1, image(9), called="new", kind="DaemonSet"),
            "a ReplicaSet": deployment(R1, image(9), called="new", kind="ReplicaSet"),
            "a ReplicationController": CONTROLLER,
            "a CronJob": job(R1, image(9), kind="CronJob"),
        }.items()
    ),
    pytest.param(
        DEV,
        patch(deployment(R1), {"spec": {"template": {"spec": {"containers": [{"name": "c0", "image": image(9)}]}}}}),
        IMAGES,
        id="another image in a Deployment",
    ),
    # -- hosts
    pytest.param(
        DEV, create(ingress("other.example.org")), "names its own hosts only", id="an Ingress of a foreign host"
    ),
    pytest.param(DEV, create(ingress("*.example.org")), "names its own hosts only", id="an Ingress of a wildcard host"),
    # -- rights
    pytest.param(
        CHIEF,
        lambda shop, who: shop.as_(who).create(_bindings(shop), BINDING),
        "attempting to grant",
        id="a namespace administrator binds the Role of approvers to their own user",
    ),
    *(
        pytest.param(who, _relabel, "forbidden", id=f"{ACTORS[who]} removes the Namespace's label")
        for who in ("pipeline", DEV, CHIEF, ADA, OLGA)
    ),
    # -- override
    pytest.param(
        DEV,
        patch(
            LIVE, {"metadata": {"annotations": {OVERRIDE: f"{DEV} it is urgent"}}, "spec": {"selector": selector(R2)}}
        ),
        ONE_OF_TWO,
        id="an override without the right",
    ),
    pytest.param(
        OLGA,
        patch(
            LIVE, {"metadata": {"annotations": {OVERRIDE: f"{ADA} it is urgent"}}, "spec": {"selector": selector(R2)}}
        ),
        ONE_OF_TWO,
        id="an override in another name",
    ),
    pytest.param(
        OLGA,
        patch(LIVE, {"metadata": {"annotations": {OVERRIDE: OLGA}}, "spec": {"selector": selector(R2)}}),
        ONE_OF_TWO,
        id="an override without a reason",
    ),
    pytest.param(OLGA, select(R2), ONE_OF_TWO, id="an override without the annotation"),
    pytest.param(
        DEV,
        create(pod(R2, image(9), notes={OVERRIDE: f"{OLGA} it is urgent"})),
        IMAGES,
        id="a pod with another one's override",
    ),
    pytest.param(OLGA, lines("approved", f"{R2} {OLGA}"), "forbidden", id="an approval by the right to override"),
]


BY = {
    "policy azora-approvals": (WRITES, OWN, "a line is", "takes over", "has the keys", "stays changeable"),
    "policy azora-live": (ONE_OF_TWO, "has 0 of 2", "(none named)", "selects pods", "no external"),
    "policy azora-addresses": ("the cluster itself",),
    "policy azora-images": (IMAGES,),
    "policy azora-hosts": ("names its own hosts",),
    "RBAC": ("attempting to grant", "forbidden"),
}


def attack(one: ParameterSet) -> ParameterSet:
    """The case with its marker; of *is not deleted* there are two."""
    said, what = str(one.values[2]), str(one.id)
    of_text = next((by for by, texts in BY.items() if said.startswith(texts)), None)
    by = of_text or ("policy azora-approvals" if "approvals" in what or "their" in what else "policy azora-live")
    return pytest.param(*one.values, id=what, marks=pytest.mark.attack(what, by=by))


@pytest.mark.parametrize(("who", "attempt", "said"), [attack(one) for one in REFUSED])
def test_attempt_that_is_refused(
    shop: Gated, who: str, attempt: Attempt, said: str, refused_by: Callable[[AzoraError], None]
) -> None:
    """The API server refuses it, and the sentence names the rule."""
    with pytest.raises(Refused) as refused:
        attempt(shop, who)
    assert said in refused.value.message
    refused_by(refused.value)
