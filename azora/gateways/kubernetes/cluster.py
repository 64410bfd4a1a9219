"""One environment as a whole: what its namespace holds, and the switch of its users."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from azora.config.environment import Environment
from azora.config.identity import Identity, node_must_be_up, of_pipeline
from azora.config.json_object import Json
from azora.config.settings import Settings
from azora.core.cluster.freeze import UNKNOWN, Acts
from azora.core.cluster.garbled import recorded_switches
from azora.core.cluster.kubernetes_objects import (
    logged_switches,
    ready_pods,
    selected_color,
    selected_release,
    stack_of,
)
from azora.core.cluster.overrides import OVERRIDE_ANNOTATION, is_overridden, overrides_of
from azora.core.cluster.ownership import installed_by_us
from azora.core.cluster.record import (
    HEAD_ANNOTATION,
    MIGRATIONS,
    PROOFS,
    RECEIPTS,
    SWITCHES_ANNOTATION,
    LastRollback,
    StackRecord,
    Switch,
    annotation_of,
)
from azora.core.cluster.release_ids import with_whole_ids
from azora.core.cluster.state import Stack, World
from azora.core.cluster.stored_releases import ids_of, with_migrations
from azora.core.colors import COLOR_LABEL, NAME_LABEL, RELEASE_LABEL, Color
from azora.core.record.chain import Head
from azora.core.release.helm_record import stored_manifests
from azora.core.release.release import Release
from azora.errors import BadInput, Refused
from azora.gateways.kubernetes.api import Api
from azora.gateways.kubernetes.freeze_store import acts_in
from azora.gateways.kubernetes.log_store import LogStore
from azora.gateways.kubernetes.namespace import Namespace
from azora.gateways.kubernetes.newly_approved import once_read
from azora.gateways.kubernetes.rbac import renew
from azora.gateways.kubernetes.record_store import (
    RELEASES,
    RecordStore,
    approvals_of,
    old_releases,
    questions_of,
    run_counts_of,
)

INCOMPLETE = ("pending", "uninstalling")  # Helm's states of a revision that a killed process left


class Cluster:
    """The objects of *namespace*, and the record in it."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self._api = namespace.api
        self.record = RecordStore(namespace)
        self.log = LogStore(namespace)

    # -- looking

    def look(self, *, with_helm: bool = True) -> World:
        """The world as it is now: seven small requests, eight behind a gate, no Helm program.

        Without *with_helm*, and for a user who may not read them, Helm's Secrets are left out: what Helm says is then not known,
        and no step of a promotion may follow from it.

        Raises:
            BadInput: Helm says that the front door is installed, but the live Service is gone.
        """
        namespace, application = self.namespace, self.namespace.application
        service = self._api.find(f"{namespace.core}/services/{namespace.live_service}")
        preview = self._api.find(f"{namespace.core}/services/{namespace.preview_service}") if service else None
        record, releases = self.record.read(), self._stored_releases()
        ours = installed_by_us(record, application)
        known = self._helm_releases() if with_helm else None
        helm = {name: state for name, state in (known or {}).items() if name in ours}
        router = helm.get(application, ("", 0))[0] or None
        if service is None and router == "deployed":
            raise BadInput(
                f"could not read {namespace.name}: the live Service {namespace.live_service!r} does not exist, but Helm"
                f" release {application!r} is deployed",
                advice=f"the Service was deleted; restore it with `helm rollback {application} -n {namespace.name}`, then retry",
            )
        active, workloads = selected_color(service), self._workloads()
        seen = World(
            active=active,
            selected_release=selected_release(service),
            preview_points_at=selected_color(preview),
            service_version=service["metadata"]["resourceVersion"] if service else None,
            router_helm=router,
            helm_is_known=known is not None,
            pending=tuple(name for name, (status, _) in helm.items() if status.startswith(INCOMPLETE)),
            stacks=self._stacks(workloads, helm, record, releases),
            switches=self._switches(service),
            receipts=RECEIPTS.validate_json(record.get("receipts", "[]")),
            approvals=approvals_of(record),
            approval_since=datetime.fromisoformat(record["approval-since"]) if "approval-since" in record else None,
            data_digest=record.get("data") if known is None or _is_deployed(helm, f"{application}-data") else None,
            router_digest=record.get("router"),
            proofs=PROOFS.validate_json(record.get("proofs", "[]")),
            migrating=MIGRATIONS.validate_json(record.get("migrating", "[]")),
            freezes=self.freezes(),
            overrides=overrides_of(service, workloads, application, active),
            questions=questions_of(record),
            rollback=LastRollback.model_validate_json(record["rollback"]) if "rollback" in record else None,
            run_counts=run_counts_of(record),
        )
        return with_whole_ids(seen, [*ids_of(releases), *(release.id for release in old_releases(record))])

    def _helm_releases(self) -> dict[str, tuple[str, int]] | None:
        """Newest status and revision of each Helm release, from the labels of Helm's own Secrets.

        None for a user who may not read Secrets.
        """
        newest: dict[str, tuple[str, int]] = {}
        try:
            secrets = self._api.get(f"{self.namespace.core}/secrets", labelSelector="owner=helm")["items"]
        except Refused:
            return None
        for secret in secrets:
            labels = secret["metadata"]["labels"]
            name, status, revision = labels["name"], labels["status"], int(labels["version"])
            if revision > newest.get(name, ("", 0))[1]:
                newest[name] = (status, revision)
        return newest

    def _stored_releases(self) -> dict[str, str]:
        """Releases of the record; empty for an account without that right, such as an older exporter's.

        Releases are then known by the objects that name them.
        """
        try:
            return self.record.config_map(RELEASES)
        except Refused:
            return {}

    def _workloads(self) -> list[Json]:
        """Deployments of both colors; behind a gate every workload in which a person may have overridden it.

        StatefulSets are left out for an account that may not list them.
        """
        gated = self.namespace.environment.has_a_gate
        selector = {} if gated else {"labelSelector": f"{NAME_LABEL}={self.namespace.application},{COLOR_LABEL}"}
        deployments = self._api.get(f"{self.namespace.apps}/deployments", **selector)["items"]
        sets: list[Json] = []
        with suppress(Refused):
            sets = self._api.get(f"{self.namespace.apps}/statefulsets")["items"] if gated else []
        kinds = (("Deployment", deployments), ("StatefulSet", sets))
        return [{"kind": kind, **item} for kind, items in kinds for item in items]

    def freezes(self) -> Acts:
        """Freezes and their ends; unknown to an account that may not read them, such as one that rolls back."""
        try:
            return acts_in(self.namespace)
        except Refused:
            return UNKNOWN

    def _stacks(
        self, workloads: list[Json], helm: dict[str, tuple[str, int]], record: dict[str, str], releases: dict[str, str]
    ) -> dict[Color, Stack]:
        name = self.namespace.application
        deployments = [item for item in workloads if item["kind"] == "Deployment" and _label(item, NAME_LABEL) == name]
        return {
            color: stack_of(
                color,
                [item for item in deployments if _label(item, COLOR_LABEL) == color],
                helm.get(self.namespace.stack_name(color)),
                with_migrations(StackRecord.model_validate_json(record[color]), releases) if color in record else None,
            )
            for color in Color
        }

    def stack(self, color: Color) -> Stack:
        """Pods of *color* as its Deployments have them: one request, without Helm's state and the record."""
        return stack_of(color, self._deployments(color), None, None)

    def running(self, world: World | None = None) -> Release:
        """Release that users reach now, or in *world*. Raises BadInput when nothing was ever released here."""
        stack = (world or self.look()).active_stack
        if stack is None or stack.release is None:
            raise BadInput(
                f"could not find the active release of {self.namespace.environment.name}: no color is active",
                advice="release something first",
            )
        return self.record.release(stack.release)

    def installed_manifests(self, release: str) -> str | None:
        """Manifests that Helm installed last as *release*, in the form of `helm template`; None without any.

        Raises:
            BadInput: Helm's record cannot be read.
        """
        selector = f"owner=helm,name={release},status=deployed"
        found = self._api.get(f"{self.namespace.core}/secrets", labelSelector=selector)["items"]
        if not found:
            return None
        newest = max(found, key=lambda one: int(one["metadata"]["labels"]["version"]))
        try:
            return stored_manifests(newest)
        except ValueError as error:
            raise BadInput(
                f"could not read what Helm installed as {release!r} in {self.namespace.name}: {error}",
                advice=f"compare `helm get manifest {release} -n {self.namespace.name}`",
            ) from error

    def pods(self, color: Color | None = None) -> list[Json]:
        """Pods of the application, of one color or of all."""
        selector = f"{NAME_LABEL}={self.namespace.application}" + (f",{COLOR_LABEL}={color}" if color else "")
        return list(self._api.get(f"{self.namespace.core}/pods", labelSelector=selector)["items"])

    # -- the switch

    def switch(self, world: World, entry: Switch, head: Head | None = None) -> None:
        """Switch users to `entry.to` by one patch of selector, ports, log of switches and the record's *head*.

        An approved promotion ends an override. Refused after a change of the Service since *world*.

        Raises:
            Conflict: the live Service is not the one that was looked at.
        """
        annotations: dict[str, str | None] = {SWITCHES_ANNOTATION: annotation_of((*world.switches, entry))}
        annotations |= {HEAD_ANNOTATION: str(head)} if head else {}
        annotations |= {OVERRIDE_ANNOTATION: None} if entry.kind == "promotion" and entry.approval else {}
        metadata = {"resourceVersion": world.service_version, "annotations": annotations}
        body = {"metadata": metadata, "spec": _live_spec(world.stack(entry.to))}
        path = f"{self.namespace.core}/services/{self.namespace.live_service}"
        once_read(self.namespace, lambda: self._api.patch(path, body))

    def keep_head(self, head: Head) -> None:
        """The live Service names *head*; moves no user."""
        body = {"metadata": {"annotations": {HEAD_ANNOTATION: str(head)}}}
        self._api.patch(f"{self.namespace.core}/services/{self.namespace.live_service}", body)

    def marks(self) -> tuple[tuple[Switch, ...], str]:
        """The switches and the record's head that the live Service names; empty where there is none."""
        service = self._api.find(f"{self.namespace.core}/services/{self.namespace.live_service}")
        annotations: dict[str, str] = ((service or {}).get("metadata") or {}).get("annotations") or {}
        return self._switches(service), annotations.get(HEAD_ANNOTATION, "")

    def _switches(self, service: Json | None) -> tuple[Switch, ...]:
        """Switches that the live *service* lists; those of the record's log where somebody garbled the list."""
        try:
            return logged_switches(service)
        except BadInput:
            if found := recorded_switches(self.log.lines()):
                return found
            raise

    def correct_selector(self) -> None:
        """Users are where the log says: undoes a Helm upgrade that overtook a rollback."""
        world = self.look()
        if world.last_switch and world.has_drifted:
            body = {"spec": _live_spec(world.stack(world.last_switch.to))}
            self._api.patch(f"{self.namespace.core}/services/{self.namespace.live_service}", body)

    def point_preview_at(self, stack: Stack) -> None:
        """The preview Service selects the color of *stack*, on the ports of its release; moves no user."""
        body = {"spec": {"selector": {COLOR_LABEL: str(stack.color)}} | _ports(stack)}
        self._api.patch(f"{self.namespace.core}/services/{self.namespace.preview_service}", body)

    # -- tidying up

    def forget_pending(self, release: str) -> int:
        """Remove Helm's record of incomplete revisions of *release*; no traffic moves, upgrades work again.

        Returns:
            How many revisions were removed.
        """
        secrets = self._api.get(f"{self.namespace.core}/secrets", labelSelector=f"owner=helm,name={release}")["items"]
        pending = [item for item in secrets if item["metadata"]["labels"]["status"].startswith(INCOMPLETE)]
        for item in pending:
            self._api.delete(f"{self.namespace.core}/secrets/{item['metadata']['name']}")
        return len(pending)

    def forget_unready(self, color: Color) -> list[str]:
        """Delete the Deployments of *color* that are not ready, so that the next install creates them again.

        Failed pods keep no back-off. Only for a color without users. Returns the names.
        """
        return self._forget(color, lambda found: ready_pods(found) < int(found["spec"]["replicas"]))

    def forget_overridden(self, color: Color) -> list[str]:
        """Delete the Deployments of *color* with an override, which Helm would leave in their pods.

        Only for a color without users. Returns the names.
        """
        return self._forget(color, is_overridden)

    def _forget(self, color: Color, condition: Callable[[Json], bool]) -> list[str]:
        names = [item["metadata"]["name"] for item in self._deployments(color) if condition(item)]
        for name in names:
            self._api.delete(f"{self.namespace.apps}/deployments/{name}")
        return names

    def _deployments(self, color: Color) -> list[Json]:
        selector = f"{NAME_LABEL}={self.namespace.application},{COLOR_LABEL}={color}"
        return list(self._api.get(f"{self.namespace.apps}/deployments", labelSelector=selector)["items"])


def _label(found: Json, name: str) -> str | None:
    label: str | None = (found["metadata"].get("labels") or {}).get(name)
    return label


def _is_deployed(helm: dict[str, tuple[str, int]], name: str) -> bool:
    return helm.get(name, ("", 0))[0] == "deployed"


def _live_spec(stack: Stack) -> Json:
    """Spec of the live Service for *stack*: color and release of its pods, ports of the release."""
    return {"selector": {COLOR_LABEL: str(stack.color), RELEASE_LABEL: stack.label}} | _ports(stack)


def _ports(stack: Stack) -> Json:
    """Nothing where an older version installed it and kept no note of them: they stay as they are."""
    return {"ports": list(stack.known.ports)} if stack.known and stack.known.ports else {}


def connect(environment: Environment, settings: Settings, identity: Identity | None = None) -> Cluster:
    """Cluster of *environment* for this machine's application, as the pipeline or *identity*.

    Raises:
        Unreachable: it is the embedded node, and that is down.
    """
    node_must_be_up(settings)
    who = identity or of_pipeline(environment, settings)
    api = Api(who.kubeconfig, who.context, timeout_seconds=settings.api_timeout_seconds)
    if identity is None and settings.identities and who.kubeconfig and renew(environment, api, who.kubeconfig):
        api = Api(who.kubeconfig, who.context, timeout_seconds=settings.api_timeout_seconds)
    return Cluster(Namespace(api, environment, settings.application))
