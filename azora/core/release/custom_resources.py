"""Custom resources of a chart: which objects they are, and when one is ready."""

from __future__ import annotations

from azora.config.json_object import Json

_BUILT_IN = {"", "apps", "autoscaling", "batch", "policy"}
_BUILT_IN_K8S = {
    "admissionregistration",
    "apiextensions",
    "apiregistration",
    "authentication",
    "authorization",
    "certificates",
    "coordination",
    "discovery",
    "events",
    "flowcontrol.apiserver",
    "internal.apiserver",
    "networking",
    "node",
    "rbac.authorization",
    "resource",
    "scheduling",
    "storage",
    "storagemigration",
}


def is_custom(found: Json) -> bool:
    """Return True when the kind of *found* is none of Kubernetes' own."""
    group = str(found["apiVersion"]).rpartition("/")[0]
    name, dot, _ = group.partition(".k8s.io")
    return group not in _BUILT_IN and not (dot and name in _BUILT_IN_K8S)


def unready(there: Json | None) -> str | None:
    """Reason why the object is not ready, by its condition `Ready` (or `Available`); None when it is."""
    if there is None:
        return "it is not there"
    conditions = {one.get("type"): one for one in (there.get("status") or {}).get("conditions") or ()}
    found = conditions.get("Ready") or conditions.get("Available")
    if found is None:
        return "it has no condition Ready yet"
    if found.get("status") == "True":
        return None
    return str(found.get("message") or found.get("reason") or f"its condition {found['type']} is {found.get('status')}")
