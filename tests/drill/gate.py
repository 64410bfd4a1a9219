"""Gate of production and a freeze for one block: turned on, broken, overridden, and off again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from azora.config.environment import ApprovalPolicy, environments, load_environment
from azora.config.identity import of_person
from azora.config.json_object import Json
from azora.config.settings import settings
from azora.core.cluster.freeze import Act
from azora.core.cluster.overrides import OVERRIDE_ANNOTATION
from azora.core.cluster.state import Stack
from azora.core.colors import COLOR_LABEL, RELEASE_LABEL
from azora.core.gate.approved import NAME as APPROVED
from azora.core.gate.marks import REQUIRED, REQUIRED_LABEL
from azora.errors import Refused
from azora.gateways.kubernetes.access_review import user_of
from azora.gateways.kubernetes.cluster import connect
from azora.gateways.kubernetes.freeze_store import acts_in, add_act
from azora.gateways.kubernetes.gate import gate_of, running, turn_off, turn_on
from azora.gateways.kubernetes.gate_probe import until_open
from azora.gateways.kubernetes.namespace import Namespace
from tests.support import pipeline
from tests.support.polling import until

APPROVAL = ApprovalPolicy.model_validate({"by": "cluster", "approvers": {"groups": ["drill"]}})


@contextmanager
def a_gate() -> Iterator[tuple[Namespace, dict[str, str]]]:
    """Turn the gate on over what runs; gives the administrator's namespace, and the file by variable."""
    production = pipeline.cluster("production").namespace.environment
    gated = production.model_copy(update={"approval": APPROVAL})
    namespace = connect(gated, settings(), of_person(gated, settings())).namespace
    with TemporaryDirectory() as folder:
        for name in environments(settings().environments):
            here = gated if name == gated.name else load_environment(name, settings().environments)
            content = here.model_dump(mode="json", exclude={"name"}, exclude_none=True)
            Path(folder, f"{name}.yaml").write_text(yaml.safe_dump(content))
        turn_on(namespace, running(namespace).items)
        try:
            yield namespace, {"AZORA_ENVIRONMENTS": folder}
        finally:
            turn_off(namespace)


def is_on() -> bool:
    return gate_of(pipeline.cluster("production").namespace).is_on


@contextmanager
def without_approvals(namespace: Namespace, pod: Json) -> Iterator[None]:
    """Restore a backup that lacks `azora-approved`; a pod as *pod* is refused then."""
    _label(namespace, None)
    namespace.api.delete(f"{namespace.core}/configmaps/{APPROVED}")
    _label(namespace, REQUIRED)
    try:
        until(lambda: _refuses(namespace, pod), seconds=60, what="pods of production are refused")
        yield
    finally:
        _label(namespace, None)


@contextmanager
def overridden(namespace: Namespace, stack: Stack) -> Iterator[None]:
    """Send users to *stack* by a patch of the administrator, in that person's name and with a reason."""
    service = f"{namespace.core}/services/{namespace.live_service}"
    note = {OVERRIDE_ANNOTATION: f"{user_of(namespace.api)} both approvers are asleep"}
    selector = {COLOR_LABEL: str(stack.color), RELEASE_LABEL: stack.label}
    namespace.api.patch(service, {"metadata": {"annotations": note}, "spec": {"selector": selector}})
    try:
        yield
    finally:
        _label(namespace, None)
        until_open(namespace)
        namespace.api.patch(service, {"metadata": {"annotations": {OVERRIDE_ANNOTATION: None}}})


@contextmanager
def a_freeze(namespace: Namespace) -> Iterator[None]:
    now = datetime.now(UTC)
    add_act(namespace, Act(kind="freeze", at=now, until=now + timedelta(hours=1), reason="a drill"), "drill")
    try:
        yield
    finally:
        if acts_in(namespace).in_force(now):
            add_act(namespace, Act(kind="end", at=datetime.now(UTC), reason="the drill is over"), "drill")


def _label(namespace: Namespace, value: str | None) -> None:
    namespace.api.patch(namespace.core, {"metadata": {"labels": {REQUIRED_LABEL: value}}})


def _refuses(namespace: Namespace, pod: Json) -> bool:
    """Return True when the images of *pod* are refused; a dry run."""
    labels = {key: value for key, value in pod["metadata"]["labels"].items() if key != "pod-template-hash"}
    containers = [
        {key: one[key] for key in ("name", "image", "securityContext") if key in one}
        for one in pod["spec"]["containers"]
    ]
    spec = {"containers": containers, "securityContext": pod["spec"]["securityContext"]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "drill", "labels": labels}, "spec": spec}
    try:
        namespace.api.dry_run(f"{namespace.core}/pods/drill", body)
    except Refused as error:
        return "azora-images" in error.message
    return False
