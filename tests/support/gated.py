"""A shop behind the gate, on an API server without nodes; people and accounts have real rights."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from azora.config.environment import Environment
from azora.config.json_object import Json
from azora.core.cluster.record import Switch, annotation_of
from azora.core.colors import Color
from azora.core.gate.approved import Answer
from azora.core.promotion.approval import Decision
from azora.gateways.kubernetes.api import Api
from azora.gateways.kubernetes.approved_store import write_approved
from azora.gateways.kubernetes.gate import running, turn_on
from azora.gateways.kubernetes.namespace import Namespace
from azora.gateways.kubernetes.rbac import let_in
from tests.support.api_server import ApiServer

ADA, BOB, DEV, OLGA, CHIEF = "oidc:ada", "oidc:bob", "oidc:dev", "oidc:olga", "oidc:chief"
ROSA = "oidc:rosa"  # may roll back
R0, R1, R2 = ("0" * 40, "1" * 40, "2" * 40)
EDIT = ("system:aggregate-to-edit", "system:aggregate-to-view")  # what `edit` gives, where no controller adds them up
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
SECURE = RESTRICTED | {"seccompProfile": {"type": "RuntimeDefault"}}


def image(number: object) -> str:
    """Reference of an image by digest."""
    return f"registry.example.org/shop@{digest(number)}"


def digest(number: object) -> str:
    return f"sha256:{str(number) * 64}"[:71]


def template(
    release: str,
    *images: str,
    name: str = "shop",
    color: str = "blue",
    notes: dict[str, str] | None = None,
    **spec: object,
) -> Json:
    """Pod template of one release."""
    containers = [
        {"name": f"c{number}", "image": one, "securityContext": SECURE}
        for number, one in enumerate(images or [image(1)])
    ]
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/component": "front", "azora.dev/color": color}
    metadata = {"labels": labels | {"azora.dev/release": release}, "annotations": notes or {}}
    return {"metadata": metadata, "spec": {"containers": containers} | spec}


def pod(release: str, *images: str, called: str = "pod", **more: object) -> Json:
    made = template(release, *images, **more)  # type: ignore[arg-type]
    return {"apiVersion": "v1", "kind": "Pod", **made, "metadata": {"name": called, **made["metadata"]}}


def deployment(
    release: str, *images: str, called: str = "shop-blue-front", kind: str = "Deployment", **more: object
) -> Json:
    made = template(release, *images, **more)  # type: ignore[arg-type]
    if kind == "StatefulSet":
        del made["metadata"]["labels"]["azora.dev/color"]  # a database has none
    labels = {key: value for key, value in made["metadata"]["labels"].items() if key != "azora.dev/release"}
    body = {"replicas": 1, "selector": {"matchLabels": labels}, "template": made}
    extra = {"serviceName": called} if kind == "StatefulSet" else {}
    if kind == "DaemonSet":
        del body["replicas"]
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": called, "labels": labels},
        "spec": body | extra,
    }


def job(release: str, *images: str, called: str = "job", kind: str = "Job", **more: object) -> Json:
    made = template(release, *images, restartPolicy="Never", **more)
    spec: Json = {"template": made}
    if kind == "CronJob":
        spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": spec}}
    return {"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": called}, "spec": spec}


def selector(release: str, color: str = "blue") -> Json:
    labels = {"app.kubernetes.io/name": "shop", "app.kubernetes.io/component": "front"}
    return labels | {"azora.dev/color": color, "azora.dev/release": release}


def service(release: str, called: str = "shop", **spec: object) -> Json:
    body = {"selector": selector(release), "ports": [{"port": 80, "targetPort": 8000}]} | spec
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": called}, "spec": body}


def ingress(host: str, to: str = "shop", path: str = "/", called: str = "one", **more: object) -> Json:
    backend = {"service": {"name": to, "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress"}
    return kind | {"metadata": {"name": called, **more}, "spec": {"rules": [rule]}}


def configuration(name: str, *, minimum: int = 1, sidecars: tuple[str, ...] = (), **rules: object) -> Environment:
    """An environment with a gate, in a namespace of its own."""
    approval = {
        "by": "cluster",
        "minimum": minimum,
        "approvers": {"users": [ADA, BOB, "x"], "groups": ["oidc:release"]},
        "override": {"users": [OLGA]},
        "rollback": {"users": [ROSA]},
        "sidecars": list(sidecars),
        **rules,
    }
    hosts = {"live": f"{name}.example.org", "preview": f"next.{name}.example.org"}
    return Environment.model_validate({"name": name, "namespace": f"shop-{name}", "hosts": hosts, "approval": approval})


@dataclass(frozen=True)
class Gated:
    """One environment on *server*; what *folder* has is the pipeline's identity."""

    server: ApiServer
    environment: Environment
    people: dict[str, Api] = field(default_factory=dict)

    @property
    def namespace(self) -> Namespace:
        """Namespace as the administrator."""
        return Namespace(self.as_("admin"), self.environment, "shop")

    @property
    def name(self) -> str:
        return self.environment.namespace

    def as_(self, who: str) -> Api:
        """API as the administrator, the pipeline's account, or a user."""
        if who not in self.people:
            self.people[who] = self._api(who)
        return self.people[who]

    def _api(self, who: str) -> Api:
        if who == "admin":
            return self.server.api()
        if who == "pipeline":
            return Api(self.server.folder / f"{self.environment.name}.kubeconfig", None, timeout_seconds=20)
        return self.server.api(who)

    def path(self, found: Json) -> str:
        """Path of the list that *found* belongs to."""
        group = found["apiVersion"]
        plural = found["kind"].lower() + (
            "es" if found["kind"] == "Ingress" else "" if found["kind"] == "Endpoints" else "s"
        )
        root = f"/api/{group}" if "/" not in group else f"/apis/{group}"
        return f"{root}/namespaces/{self.name}/{plural}"

    def create(self, who: str, found: Json) -> Json:
        return self.as_(who).create(self.path(found), found)

    def patch(self, who: str, found: Json, body: Json) -> Json:
        return self.as_(who).patch(f"{self.path(found)}/{found['metadata']['name']}", body)

    def prepare(self) -> None:
        """Make the account, a developer and a chief with the usual rights, and a shop without a gate."""
        let_in(self.environment, self.as_("admin"), self.server.folder)
        for user, roles in {DEV: EDIT, CHIEF: (*EDIT, "system:aggregate-to-admin")}.items():
            for role in roles:
                self.bind(user, role)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        self.as_("admin").apply(f"{self.path(account)}/default", account)
        entry = Switch(number=1, at=NOW, kind="first", came_from=None, to=Color.BLUE, release=R1, by="run")
        live = service(R1)
        live["metadata"]["annotations"] = {"azora.dev/switches": annotation_of((entry,))}
        green = deployment(R0, image(0), called="shop-green-front", color="green")
        for found in (deployment(R1), green, deployment("", image(5), called="shop-db", kind="StatefulSet"), live):
            self.create("admin", found)

    def gate_on(self) -> None:
        """Turn the gate on, over what runs."""
        turn_on(self.namespace, running(self.namespace).items)

    def approve(self, user: str, *items: str) -> None:
        """Approve *items* as *user*, as `azora approve` does."""
        answer = ANSWER.model_copy(update={"items": items})
        write_approved(self.of(user), lambda found: found.with_answer(answer, user))

    def of(self, user: str) -> Namespace:
        """Namespace as *user*."""
        return replace(self.namespace, api=self.as_(user))

    def bind(self, user: str, role: str) -> None:
        """Give *user* the rights of a ClusterRole in this namespace."""
        body = {
            "metadata": {"name": f"{user}-{role}".replace(":", "-")},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
        }
        self.as_("admin").create(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.name}/rolebindings", body)


ANSWER = Answer(
    decision=Decision.APPROVE,
    plan="a" * 64,
    run="run-1",
    environment="production",
    release="2" * 64,
    policy="b" * 64,
    reason="it was seen on staging",
    asked=NOW,
    at=NOW,
    expires_at=NOW + timedelta(hours=24),
)


def gated(
    server: ApiServer, *, minimum: int = 1, sidecars: tuple[str, ...] = (), name: str = "", **rules: object
) -> Gated:
    """A prepared environment with the gate on."""
    shop = Gated(server, configuration(name or f"s{uuid4().hex[:8]}", minimum=minimum, sidecars=sidecars, **rules))
    shop.prepare()
    shop.gate_on()
    return shop
