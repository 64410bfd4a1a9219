"""One environment's namespace: what it holds, the switch of its users, and Azora's own record in it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from azora.bluegreen import Stack, World
from azora.colors import COLOR_LABEL, COMPONENT_LABEL, NAME_LABEL, RELEASE_LABEL, Color
from azora.environment import Environment
from azora.errors import AzoraError, BadInput, Conflict
from azora.gateways.api import STRATEGIC, Api, Json
from azora.pods import one_of_each, runs_unready, was_started_anew
from azora.record import (
    KEPT,
    PROOFS,
    RECEIPTS,
    RELEASES,
    SWITCHES_ANNOTATION,
    Approval,
    ProofRecord,
    Receipt,
    StackRecord,
    Switch,
    annotation_of,
    switches_of,
)
from azora.release import Release
from azora.settings import Settings

RECORD = "azora-record"
APPROVAL = "approval."  # record keys: one per run


class Cluster:
    """The namespace of *environment*, for the application called *application*."""

    def __init__(self, api: Api, environment: Environment, application: str) -> None:
        self.api = api
        self.environment = environment
        self.application = application
        self.core = f"/api/v1/namespaces/{environment.namespace}"
        self.apps = f"/apis/apps/v1/namespaces/{environment.namespace}"
        self.live = application
        self.preview = f"{application}-preview"

    @property
    def namespace(self) -> str:
        return self.environment.namespace

    def stack_name(self, color: Color) -> str:
        """Helm release of a color."""
        return f"{self.application}-{color}"

    # -- looking

    def look(self) -> World:
        """The world as it is now: six small requests, no Helm.

        Raises:
            BadInput: Helm says that the front door is installed, but the live Service is gone.
        """
        service = self.api.find(f"{self.core}/services/{self.live}")
        preview = self.api.find(f"{self.core}/services/{self.preview}") if service else None
        helm = self._helm_releases()
        record = self.record()
        router = helm.get(self.application, ("", 0))[0] or None
        if service is None and router == "deployed":
            raise BadInput(
                f"the live Service {self.live!r} is missing in {self.namespace}, though Helm release {self.application!r} is deployed",
                advice=f"somebody deleted it; bring it back with `helm rollback {self.application} -n {self.namespace}`, then run again",
            )
        return World(
            active=_color(service),
            preview_points_at=_color(preview),
            service_version=service["metadata"]["resourceVersion"] if service else None,
            router_helm=router,
            pending=tuple(name for name in self._our_releases if helm.get(name, ("",))[0].startswith("pending")),
            stacks=self._stacks(helm, record),
            switches=_switches(service),
            receipts=RECEIPTS.validate_json(record.get("receipts", "[]")),
            approvals=tuple(
                Approval.model_validate_json(text) for key, text in sorted(record.items()) if key.startswith(APPROVAL)
            ),
            data_digest=record.get("data") if helm.get(f"{self.application}-data", ("",))[0] == "deployed" else None,
            router_digest=record.get("router"),
            proofs=PROOFS.validate_json(record.get("proofs", "[]")),
        )

    @property
    def _our_releases(self) -> tuple[str, ...]:
        return (*map(self.stack_name, Color), self.application, f"{self.application}-data")

    def _helm_releases(self) -> dict[str, tuple[str, int]]:
        """Newest status and revision of each Helm release, from the labels of Helm's own Secrets."""
        newest: dict[str, tuple[str, int]] = {}
        for secret in self.api.get(f"{self.core}/secrets", labelSelector="owner=helm")["items"]:
            labels = secret["metadata"]["labels"]
            name, status, revision = labels["name"], labels["status"], int(labels["version"])
            if revision > newest.get(name, ("", 0))[1]:
                newest[name] = (status, revision)
        return newest

    def _stacks(self, helm: dict[str, tuple[str, int]], record: dict[str, str]) -> dict[Color, Stack]:
        selector = f"{NAME_LABEL}={self.application},{COLOR_LABEL}"
        deployments = self.api.get(f"{self.apps}/deployments", labelSelector=selector)["items"]
        return {
            color: _stack(
                color,
                [item for item in deployments if item["metadata"]["labels"][COLOR_LABEL] == color],
                helm.get(self.stack_name(color)),
                record.get(str(color)),
            )
            for color in Color
        }

    def pods(self, color: Color | None = None) -> list[Json]:
        """Pods of the application, of one color or of all."""
        selector = f"{NAME_LABEL}={self.application}" + (f",{COLOR_LABEL}={color}" if color else "")
        return list(self.api.get(f"{self.core}/pods", labelSelector=selector)["items"])

    def ensure_namespace(self) -> None:
        """Create the namespace when it is missing."""
        if self.api.find(f"/api/v1/namespaces/{self.namespace}") is None:
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
            with suppress(Conflict):
                self.api.create("/api/v1/namespaces", body)

    # -- the switch

    def switch(self, world: World, entry: Switch) -> None:
        """Send users to `entry.to`: one patch that holds selector and log, refused when the Service moved since *world*.

        Raises:
            Conflict: the live Service is not the one that was looked at.
        """
        body = {
            "metadata": {
                "resourceVersion": world.service_version,
                "annotations": {SWITCHES_ANNOTATION: annotation_of((*world.switches, entry))},
            },
            "spec": {"selector": {COLOR_LABEL: str(entry.to)}},
        }
        self.api.patch(f"{self.core}/services/{self.live}", body, kind=STRATEGIC)

    def correct_selector(self) -> None:
        """Users are where the log says: undoes a Helm upgrade that overtook a rollback."""
        world = self.look()
        if world.last_switch and world.last_switch.to is not world.active:
            body = {"spec": {"selector": {COLOR_LABEL: str(world.last_switch.to)}}}
            self.api.patch(f"{self.core}/services/{self.live}", body, kind=STRATEGIC)

    def point_preview_at(self, color: Color) -> None:
        """The preview Service selects *color*; moves no user."""
        body = {"spec": {"selector": {COLOR_LABEL: str(color)}}}
        self.api.patch(f"{self.core}/services/{self.preview}", body, kind=STRATEGIC)

    # -- the record

    def record(self) -> dict[str, str]:
        found = self.api.find(f"{self.core}/configmaps/{RECORD}")
        return dict(found.get("data") or {}) if found else {}

    def write_record(self, **data: str | None) -> None:
        """Set (None: remove) keys of the record; other keys stay. Keys are written by one holder of the Lease each."""
        path = f"{self.core}/configmaps"
        if self.api.find(f"{path}/{RECORD}") is None:
            self.ensure_namespace()
            body = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": RECORD, "labels": {"azora.dev/record": "true"}},
            }
            with suppress(Conflict):
                self.api.create(path, body)
        self.api.patch(f"{path}/{RECORD}", {"data": data})

    def record_stack(self, color: Color, stack: StackRecord) -> None:
        self.write_record(**{str(color): stack.model_dump_json()})

    def remember(self, release: Release) -> None:
        """Keep the newest releases whole, so that one can be brought back by its id alone."""
        old = RELEASES.validate_json(self.record().get("releases", "[]"))
        kept = (*(item for item in old if item.id != release.id), release)[-KEPT:]
        self.write_record(releases=RELEASES.dump_json(kept).decode())

    def release_called(self, id_: str) -> Release:
        """A release that was installed here. Raises BadInput when it is not remembered."""
        known = RELEASES.validate_json(self.record().get("releases", "[]"))
        found = next((item for item in known if item.id == id_), None)
        if found is None:
            names = ", ".join(item.id for item in known) or "none"
            raise BadInput(f"could not find release {id_!r} in {self.namespace}", advice=f"it remembers {names}")
        return found

    def running(self) -> Release:
        """What users reach now. Raises BadInput when nobody was ever released here."""
        stack = self.look().active_stack
        if stack is None or stack.release is None:
            raise BadInput(
                f"could not find what {self.environment.name} runs: nothing", advice="release something first"
            )
        return self.release_called(stack.release)

    def record_approval(self, approval: Approval) -> None:
        """One key per run, so that no run can overwrite or void the yes of another; expired ones are forgotten."""
        old = {f"{APPROVAL}{yes.run}": None for yes in self.look().approvals if yes.expires_at < approval.at}
        self.write_record(**{**old, f"{APPROVAL}{approval.run}": approval.model_dump_json()})

    def void_approval(self, run: str) -> None:
        """The yes that *run* had counts no more."""
        if f"{APPROVAL}{run}" in self.record():
            self.write_record(**{f"{APPROVAL}{run}": None})

    def add_receipt(self, receipt: Receipt) -> None:
        """Keep the newest receipts; one of the same number is replaced."""
        old = RECEIPTS.validate_json(self.record().get("receipts", "[]"))
        kept = (*(item for item in old if item.number != receipt.number), receipt)[-KEPT:]
        self.write_record(receipts=RECEIPTS.dump_json(kept).decode())

    def add_proof(self, proof: ProofRecord) -> None:
        """Keep the newest proofs; one of the same release is replaced."""
        old = PROOFS.validate_json(self.record().get("proofs", "[]"))
        kept = (*(item for item in old if item.release != proof.release), proof)[-KEPT:]
        self.write_record(proofs=PROOFS.dump_json(kept).decode())

    def forget_pending(self, release: str) -> int:
        """Remove Helm's record of half-done revisions of *release*: moves no traffic, lets the next upgrade run.

        Returns:
            How many revisions were removed.
        """
        secrets = self.api.get(f"{self.core}/secrets", labelSelector=f"owner=helm,name={release}")["items"]
        pending = [item for item in secrets if item["metadata"]["labels"]["status"].startswith("pending")]
        for item in pending:
            self.api.delete(f"{self.core}/secrets/{item['metadata']['name']}")
        return len(pending)

    # -- what went wrong

    def troubles(self, color: Color, release: str) -> list[str]:
        """Why pods of *release* in *color* are not ready: a line for each trouble, under it the last lines of a log."""
        pods = [pod for pod in self.pods(color) if pod["metadata"]["labels"].get(RELEASE_LABEL) == release]
        return [line for pod, said, count in one_of_each(pods) for line in self._trouble(pod, said, count)]

    def _trouble(self, pod: Json, said: str, count: int) -> Iterable[str]:
        name = pod["metadata"]["name"]
        warning = self._last_warning(name) if runs_unready(pod) else ""
        others = f" ({count - 1} more like it)" if count > 1 else ""
        yield f"{name}{others}: {said}{warning and f': {warning}'}"
        crashed = was_started_anew(pod) or not runs_unready(pod)
        shown = 5 if crashed else 2  # who crashed says why; who runs says the same again and again
        yield from (f"    | {line}" for line in self._last_lines(name, shown, before=was_started_anew(pod)))

    def _last_warning(self, pod: str) -> str:
        """What the cluster noted last against *pod*: which probe failed, and how."""
        try:
            events = self.api.get(
                f"{self.core}/events", fieldSelector=f"involvedObject.name={pod},type=Warning", limit="50"
            )["items"]
        except AzoraError:
            return ""
        return str(events[-1].get("message", "")) if events else ""

    def _last_lines(self, pod: str, count: int, *, before: bool) -> list[str]:
        """The end of the pod's log; of the run *before* this one where it was started anew."""
        try:
            log = self.api.text(f"{self.core}/pods/{pod}/log", tailLines=str(count), previous=str(before).lower())
        except AzoraError:  # a pod that never started has no log
            return []
        return [line for line in log.splitlines() if line.strip()]

    def forget_unready(self, color: Color) -> list[str]:
        """Delete the Deployments of *color* that are not ready: the next install begins them anew, without waiting out
        the back-off of pods that failed. Only for a color that serves nobody. Returns their names.
        """
        selector = f"{NAME_LABEL}={self.application},{COLOR_LABEL}={color}"
        found = self.api.get(f"{self.apps}/deployments", labelSelector=selector)["items"]
        names = [item["metadata"]["name"] for item in found if _ready(item) < int(item["spec"]["replicas"])]
        for name in names:
            self.api.delete(f"{self.apps}/deployments/{name}")
        return names


def connect(environment: Environment, settings: Settings) -> Cluster:
    """The cluster that *environment* names, for the application that this machine releases."""
    context = environment.context or settings.kube_context
    api = Api(settings.kubeconfig_file, context, timeout_seconds=settings.api_timeout_seconds)
    return Cluster(api, environment, settings.application)


def _color(service: Json | None) -> Color | None:
    value = ((service or {}).get("spec") or {}).get("selector", {}).get(COLOR_LABEL)
    return Color(value) if value in set(Color) else None


def _switches(service: Json | None) -> tuple[Switch, ...]:
    annotations: dict[str, str] = ((service or {}).get("metadata") or {}).get("annotations") or {}
    return switches_of(annotations.get(SWITCHES_ANNOTATION))


def _stack(color: Color, deployments: list[Json], helm: tuple[str, int] | None, record: str | None) -> Stack:
    releases = {item["spec"]["template"]["metadata"]["labels"].get(RELEASE_LABEL) for item in deployments}
    return Stack(
        color=color,
        release=releases.pop() if len(releases) == 1 else None,
        helm=helm[0] if helm else None,
        revision=helm[1] if helm else 0,
        wanted={_service(item): int(item["spec"]["replicas"]) for item in deployments},
        ready={_service(item): _ready(item) for item in deployments},
        images=frozenset(
            container["image"] for item in deployments for container in item["spec"]["template"]["spec"]["containers"]
        ),
        record=StackRecord.model_validate_json(record) if record else None,
    )


def _service(deployment: Json) -> str:
    return str(deployment["metadata"]["labels"][COMPONENT_LABEL])


def _ready(deployment: Json) -> int:
    """Pods that are up to date and available; 0 while the controller has not seen the newest spec."""
    status: dict[str, Any] = deployment.get("status") or {}
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return 0
    if status.get("replicas", 0) > status.get("updatedReplicas", 0):
        return 0
    return min(int(status.get("updatedReplicas", 0)), int(status.get("availableReplicas", 0)))
