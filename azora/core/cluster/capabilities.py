"""Capabilities of a cluster, as charts ask for them: its version, and the kinds that it serves."""

from __future__ import annotations

from dataclasses import dataclass

from azora.config.json_object import Json
from azora.core.release.custom_resources import is_custom


@dataclass(frozen=True)
class Capabilities:
    """Kubernetes version of a cluster, and what it serves besides Kubernetes' own.

    `served` has `group/version` and `group/version/Kind`, as `.Capabilities.APIVersions.Has` takes them.
    """

    version: str
    served: tuple[str, ...] = ()


def served(discovery: Json) -> tuple[str, ...]:
    """Custom kinds of a cluster's aggregated *discovery*, and their versions.

    https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
    """
    found = {
        f"{group['metadata']['name']}/{version['version']}": version.get("resources") or ()
        for group in discovery.get("items") or ()
        for version in group.get("versions") or ()
    }
    custom = {name: kinds for name, kinds in found.items() if is_custom({"apiVersion": name})}
    kinds = {f"{name}/{one['responseKind']['kind']}" for name, kinds in custom.items() for one in kinds}
    return tuple(sorted({*custom, *kinds}))
