"""Attackers of a gated shop: whatever the API lets one try, as steps of a state machine."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import rule

from azora.config.json_object import Json
from azora.errors import Refused
from azora.gateways.kubernetes.approved_store import approved_of
from tests.support.gated import ADA, BOB, CHIEF, DEV, OLGA, ROSA, deployment, digest, image, job, pod, selector
from tests.support.gated_shop import APPROVED, LIVE, NAME, OVERRIDE, PEOPLE, GatedShop, items, label, numbers

ADMISSION = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
STRATEGIC = "application/strategic-merge-patch+json"
SLICE: Json = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "mine", "labels": {"kubernetes.io/service-name": "shop"}},
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["10.0.0.9"]}],
    "ports": [],
}
ME = "{me}"


def mostly(usual: object, *odd: object) -> st.SearchStrategy[object]:
    """*usual* in two of three cases, else one of *odd*."""
    return st.sampled_from([*[usual] * (2 * len(odd)), *odd])


anybody = st.sampled_from(("pipeline", DEV, CHIEF, OLGA, ROSA, "oidc:stranger", *PEOPLE))
movers = st.sampled_from(("pipeline", DEV, CHIEF, OLGA, ROSA))  # who may change the live Service but for the gate
makers = st.sampled_from(("pipeline", DEV, CHIEF))  # who may make workloads
notes = mostly(None, f"{OLGA} it is urgent", f"{ME} it is urgent", f"{ADA} it is urgent", OLGA)
images = st.sampled_from([image(1), image(2), image(3), "shop:1", f"a@{digest(9)}@{digest(1)}"])
lines = st.lists(
    st.builds(
        lambda item, mark, who: f"{item}{mark}{who}",
        st.sampled_from([item for number in (2, 3) for item in sorted(items(number))]),
        mostly(" ", "  ", "\t", ""),
        mostly(ME, f"a {ME}", f"b {ME}", ADA, BOB),
    ),
    min_size=1,
    max_size=3,
)


class Attacked(GatedShop):
    """The shop, with attackers among its accounts, developers, administrators and approvers."""

    @rule(
        who=movers,
        number=numbers,
        note=notes,
        how=st.sampled_from(["merge", "json", "apply", "helm", "replace", "status"]),
    )
    def move_users(self, who: str, number: int, note: str | None, how: str) -> None:
        """Have the live Service select a release, in each way that the API has for it."""
        said = note and note.replace(ME, who)
        if who == OLGA and (said or "").startswith(f"{OLGA} ") and self._note() != said:
            self.overridden = label(number)
        spec = {"selector": selector(label(number)), "ports": LIVE["spec"]["ports"]}
        metadata: Json = {"name": "shop"} | ({"annotations": {OVERRIDE: said}} if said else {})
        with self.tried():
            self._changed(who, how, LIVE | {"metadata": metadata, "spec": spec})

    def _note(self) -> str:
        notes: dict[str, str] = self.shop.as_("admin").get(self.live_path)["metadata"]["annotations"]
        return notes.get(OVERRIDE, "")

    def _changed(self, who: str, how: str, body: Json) -> object:
        api, path = self.shop.as_(who), self.live_path
        if how == "json":
            put = [{"op": "replace", "path": "/spec/selector", "value": body["spec"]["selector"]}]
            return api.patch(path, put, kind="application/json-patch+json")  # type: ignore[arg-type]
        if how in {"apply", "helm"}:
            return api.apply(path, body, manager=how)
        if how == "replace":
            found = api.get(path)
            return api.replace(path, found | {"spec": found["spec"] | body["spec"]})
        return api.patch(f"{path}/status" if how == "status" else path, body)

    @rule(
        who=movers,
        spec=st.sampled_from(
            [
                {"selector": {"azora.dev/release": None}},
                {"selector": {"azora.dev/release": label(2)[:20]}},
                {"selector": {NAME: "tool"}},
                {"selector": {NAME: None}},
                {"selector": None},
                {"type": "ExternalName", "externalName": "x.org", "clusterIP": None, "clusterIPs": None},
                {"externalIPs": ["10.1.1.1"]},
            ]
        ),
    )
    def bend_the_live_service(self, who: str, spec: Json) -> None:
        """Send users past the release that the selector names."""
        with self.tried():
            self.shop.patch(who, LIVE, {"spec": spec})

    @rule(who=movers, again=st.booleans())
    def delete_the_live_service(self, who: str, again: bool) -> None:
        """Delete it, and make another one of that name."""
        with self.tried():
            self.shop.as_(who).delete(self.live_path)
        with self.tried():
            self.shop.create(who, LIVE | {"spec": LIVE["spec"] | {"selector": selector(label(2))}} if again else SLICE)

    @rule(who=anybody, key=mostly("approved", "standing", "plans"), new=lines, keep=mostly(True, False))
    def write_approvals(self, who: str, key: str, new: list[str], keep: bool) -> None:
        """Write lines in anybody's name beside those that are there, or instead of them."""
        before = approved_of(self.shop.namespace)
        text = "\n".join([*(getattr(before, key) if keep else ()), *(line.replace(ME, who) for line in new)])
        with self.tried():
            self.shop.patch(who, APPROVED, {"data": {key: text}})
        self.lines_are_changed(who, before)

    @rule(who=st.sampled_from(PEOPLE), number=numbers)
    def approve_alone(self, who: str, number: int) -> None:
        """Write one's own lines several times: they count once."""
        before = approved_of(self.shop.namespace)
        own = [f"{item} {who}" for item in sorted(items(number)) for _ in range(3)]
        self.shop.patch(who, APPROVED, {"data": {"approved": "\n".join([*before.approved, *own])}})
        self.lines_are_changed(who, before)

    @rule(
        who=makers,
        number=st.sampled_from([1, 2, 3]),
        some=st.lists(images, min_size=1, max_size=2),
        note=notes,
        extra=mostly(None, image(9)),
        kind=st.sampled_from(["Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"]),
    )
    def make_pods(
        self, *, who: str, number: int, some: list[str], note: str | None, extra: str | None, kind: str
    ) -> None:
        """Make pods of the application, by any kind of object."""
        GatedShop.step += 1
        more: Json = {"initContainers": [{"name": "i", "image": extra}]} if extra else {}
        more |= {"notes": {OVERRIDE: note.replace(ME, who)}} if note else {}
        make: Callable[..., Json] = {"Pod": pod, "Job": job, "CronJob": job}.get(kind, deployment)
        more |= {} if kind == "Pod" else {"kind": kind}
        with self.tried():
            self.shop.create(who, make(label(number), *some, called=f"new-{GatedShop.step}", **more))

    @rule(who=makers, to=images, what=st.sampled_from(["shop-blue-front", "shop-green-front", "a pod"]))
    def change_images(self, who: str, to: str, what: str) -> None:
        """Change the image of pods, or of what makes them."""
        spec: Json = {"spec": {"containers": [{"name": "c0", "image": to}]}}
        path, core = f"{self.shop.namespace.apps}/deployments/{what}", self.shop.namespace.core
        if what == "a pod":
            first = self.shop.as_("admin").get(f"{core}/pods")["items"][0]["metadata"]["name"]
            path = f"{core}/pods/{first}"
        with self.tried():
            self.shop.as_(who).patch(path, spec if what == "a pod" else {"spec": {"template": spec}}, kind=STRATEGIC)

    @rule(who=anybody, act=st.sampled_from(["label", "minimum", "lines", "policy", "binding", "subject", "slice"]))
    def open_the_gate(self, who: str, act: str) -> None:
        """Change what the gate is made of."""
        shop, api = self.shop, self.shop.as_(who)
        bindings = f"{RBAC}/namespaces/{shop.name}/rolebindings"
        subjects = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": who}]
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "azora-approve"}
        acts: dict[str, Callable[[], object]] = {
            "label": lambda: api.patch(shop.namespace.core, {"metadata": {"labels": {"azora.dev/approval": None}}}),
            "minimum": lambda: api.patch(
                shop.namespace.core, {"metadata": {"annotations": {"azora.dev/minimum": "0"}}}
            ),
            "lines": lambda: api.delete(f"{shop.path(APPROVED)}/azora-approved"),
            "policy": lambda: api.patch(f"{ADMISSION}/azora-live", {"spec": {"failurePolicy": "Ignore"}}),
            "binding": lambda: api.create(
                bindings, {"metadata": {"name": "me"}, "roleRef": role, "subjects": subjects}
            ),
            "subject": lambda: api.patch(f"{bindings}/azora-approve", {"subjects": subjects}),
            "slice": lambda: api.create(shop.path(SLICE), SLICE),
        }
        try:
            acts[act]()
        except Refused:
            return
        raise AssertionError(f"{who} changed the gate: {act}")
