"""Kubernetes objects, read into Azora's types."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from azora.config.json_object import Json
from azora.core.cluster.record import SWITCHES_ANNOTATION, StackRecord, Switch, switches_of
from azora.core.cluster.state import Stack
from azora.core.colors import COLOR_LABEL, COMPONENT_LABEL, RELEASE_LABEL, Color
from azora.errors import BadInput


def selected_color(service: Json | None) -> Color | None:
    value = ((service or {}).get("spec") or {}).get("selector", {}).get(COLOR_LABEL)
    return Color(value) if value in set(Color) else None


def selected_release(service: Json | None) -> str | None:
    """The release label in the live Service's selector."""
    label = ((service or {}).get("spec") or {}).get("selector", {}).get(RELEASE_LABEL)
    return str(label) if label else None


def logged_switches(service: Json | None) -> tuple[Switch, ...]:
    """Switches that the live *service* lists.

    Raises:
        BadInput: somebody garbled the list.
    """
    metadata = (service or {}).get("metadata") or {}
    try:
        return switches_of((metadata.get("annotations") or {}).get(SWITCHES_ANNOTATION))
    except ValidationError as error:
        raise BadInput(
            f"could not read the switches of Service {metadata.get('name')!r}: its annotation {SWITCHES_ANNOTATION} is not what Azora wrote",
            advice="somebody changed it; `azora history ENV --json` has the switches, and the next switch writes all of them",
        ) from error


def stack_of(color: Color, deployments: list[Json], helm: tuple[str, int] | None, record: StackRecord | None) -> Stack:
    releases = {item["spec"]["template"]["metadata"]["labels"].get(RELEASE_LABEL) for item in deployments}
    label = releases.pop() if len(releases) == 1 else None
    return Stack(
        color=color,
        release=label,
        label=label,
        helm=helm[0] if helm else None,
        revision=helm[1] if helm else 0,
        wanted={_service(item): int(item["spec"]["replicas"]) for item in deployments},
        ready={_service(item): ready_pods(item) for item in deployments},
        images=frozenset(
            container["image"] for item in deployments for container in item["spec"]["template"]["spec"]["containers"]
        ),
        record=record,
    )


def _service(deployment: Json) -> str:
    return str(deployment["metadata"]["labels"][COMPONENT_LABEL])


def ready_pods(deployment: Json) -> int:
    """Pods that are up to date and available; 0 while the controller has not seen the newest spec."""
    status: dict[str, Any] = deployment.get("status") or {}
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return 0
    if status.get("replicas", 0) > status.get("updatedReplicas", 0):
        return 0
    return min(int(status.get("updatedReplicas", 0)), int(status.get("availableReplicas", 0)))
