"""ConfigMap `azora-approved` in the cluster: read, and written as the person who asks."""

from __future__ import annotations

from collections.abc import Callable

from azora.core.gate.approved import NAME, Approved
from azora.errors import Conflict
from azora.gateways.kubernetes.namespace import Namespace

TRIES = 5


def approved_of(namespace: Namespace) -> Approved:
    """Content of `azora-approved`; empty where there is none."""
    found = namespace.api.find(f"{namespace.core}/configmaps/{NAME}")
    return Approved.of((found or {}).get("data") or {})


def write_approved(namespace: Namespace, change: Callable[[Approved], Approved]) -> Approved:
    """Make *change* to `azora-approved`, anew after a change of somebody else.

    Raises:
        Refused: the cluster's policies refuse it to this user.
    """
    path = f"{namespace.core}/configmaps"
    for left in reversed(range(TRIES)):
        found = namespace.api.find(f"{path}/{NAME}")
        before = Approved.of((found or {}).get("data") or {})
        after = change(before)
        try:
            if found is None:
                body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": after.data}
                namespace.api.create(path, body)
            elif after != before:
                version = {"resourceVersion": found["metadata"]["resourceVersion"]}
                namespace.api.patch(f"{path}/{NAME}", {"metadata": version, "data": after.data})
        except Conflict:
            if not left:
                raise
        else:
            return after
    raise AssertionError
