"""Probe of the gate: dry runs of what each policy refuses, until the API server has read the policies."""

from __future__ import annotations

import time

from azora.config.json_object import Json
from azora.core.colors import NAME_LABEL, RELEASE_LABEL
from azora.core.gate.approved import NAME
from azora.errors import NotReadyYet, Refused
from azora.gateways.kubernetes.namespace import Namespace

EFFECTIVE_SECONDS = 60  # the API server reads new policies within seconds


def until_enforced(namespace: Namespace) -> None:
    """Wait until each policy refuses what it must."""
    deadline = time.monotonic() + EFFECTIVE_SECONDS
    while waits_for := [
        policy for policy, wrong in _wrong(namespace).items() if not _refuses(namespace, policy, wrong)
    ]:
        if time.monotonic() > deadline:
            raise NotReadyYet(
                f"could not turn the gate of {namespace.environment.name} on: the API server does not enforce {waits_for[0]} yet",
                advice=f"retry `azora rights apply {namespace.environment.name}`; `kubectl get validatingadmissionpolicies` lists them",
            )
        time.sleep(0.5)


def until_open(namespace: Namespace) -> None:
    """Wait until no policy judges the namespace any more."""
    deadline = time.monotonic() + EFFECTIVE_SECONDS
    while _refuses(namespace, "azora-approvals", _wrong(namespace)["azora-approvals"]):
        if time.monotonic() > deadline:
            raise NotReadyYet(
                f"could not turn the gate of {namespace.environment.name} off: the API server still enforces the policies",
                advice=f"retry `azora rights remove {namespace.environment.name}`",
            )
        time.sleep(0.5)


def refusals(namespace: Namespace, release: str) -> dict[str, str]:
    """Refusals of the release with the label *release*, which nobody approved, in the API server's words.

    By policy; "" where it would be let through. Dry runs: nothing changes.
    """
    return {policy: _refusal(namespace, policy, wrong) for policy, wrong in _wrong(namespace, release).items()}


def _refuses(namespace: Namespace, policy: str, wrong: Json) -> bool:
    return bool(_refusal(namespace, policy, wrong))


def _refusal(namespace: Namespace, policy: str, wrong: Json) -> str:
    """Refusal of *wrong* by *policy*; a dry run, which keeps nothing."""
    group, plural = wrong["apiVersion"], f"{wrong['kind'].lower()}s"
    root = namespace.core if "/" not in group else f"/apis/{group}/namespaces/{namespace.name}"
    try:
        namespace.api.dry_run(f"{root}/{plural}/{wrong['metadata']['name']}", wrong)
    except Refused as error:
        return error.message if f"'{policy}'" in error.message else ""
    return ""


def _wrong(namespace: Namespace, release: str = "none") -> dict[str, Json]:
    """For each policy that matters, an object that it refuses while nobody approved *release*."""
    application, none = namespace.application, {"name": NAME}
    labels = {NAME_LABEL: application, RELEASE_LABEL: release}
    there = namespace.api.find(f"{namespace.core}/services/{namespace.live_service}")
    ports = {} if there else {"ports": [{"port": 1}]}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "none", "image": "none"}]}}
    return {
        "azora-approvals": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": none,
            "data": {"approved": f"{release} nobody"},
        },
        "azora-live": {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": namespace.live_service},
            "spec": {"selector": labels, **ports},
        },
        "azora-images": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": none,
            "spec": {"selector": {"matchLabels": {NAME_LABEL: application}}, "template": pod},
        },
    }
