"""ConfigMap `azora-freeze` in the cluster: read, and continued as the person who acts."""

from __future__ import annotations

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random

from azora.core.cluster.freeze import KEY, NAME, Act, Acts, acts_of, line_of
from azora.errors import Conflict
from azora.gateways.kubernetes.namespace import Namespace

TRIES = 5


def acts_in(namespace: Namespace) -> Acts:
    """Acts of people in *namespace*, oldest first."""
    found = namespace.api.find(f"{namespace.core}/configmaps/{NAME}")
    return acts_of((found or {}).get("data") or {})


def ensure(namespace: Namespace) -> None:
    """Make the ConfigMap: people may change this one alone."""
    if namespace.api.find(f"{namespace.core}/configmaps/{NAME}") is None:
        _create(namespace, "")


@retry(retry=retry_if_exception_type(Conflict), stop=stop_after_attempt(TRIES), wait=wait_random(0, 0.05), reraise=True)
def add_act(namespace: Namespace, act: Act, user: str) -> None:
    """Add *act* of *user*, after what others added meanwhile.

    Raises:
        Refused: the cluster's policies refuse it to this user.
        Missing: there is no such namespace.
    """
    path = f"{namespace.core}/configmaps/{NAME}"
    found = namespace.api.find(path)
    if found is None:
        _create(namespace, line_of(act, user))
        return
    version = {"resourceVersion": found["metadata"]["resourceVersion"]}
    text = (found.get("data") or {}).get(KEY, "") + line_of(act, user)
    namespace.api.patch(path, {"metadata": version, "data": {KEY: text}})


def _create(namespace: Namespace, text: str) -> None:
    """Raises Conflict where another one made it."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": {KEY: text}}
    namespace.api.create(f"{namespace.core}/configmaps", body)
