"""Access review: name, rights and expiry of the identity in use, from the API server."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from azora.config.json_object import Json
from azora.config.permissions import Right, granted, needed
from azora.errors import Refused, Unreachable
from azora.gateways.kubernetes.api import Api

SECONDS = 10.0
REVIEWS = "/apis/authorization.k8s.io/v1"

# What no account of one environment may do: the words, then where and what (None: everywhere).
_FOREIGN: dict[str, tuple[str | None, Right]] = {
    "create namespaces": (None, Right("", "namespaces", "create")),
    "read the secrets of kube-system": ("kube-system", Right("", "secrets", "get")),
    "read the secrets of every namespace": (None, Right("", "secrets", "list")),
    "grant rights": (None, Right("rbac.authorization.k8s.io", "clusterrolebindings", "create")),
}
_GATE, _ADMISSION, _RBAC = "azora.dev", "admissionregistration.k8s.io", "rbac.authorization.k8s.io"
_POLICIES = ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
_CHANGES = ("update", "patch", "delete")

# What an account that a gate binds may not do: the words, whether the right is one in its namespace, and the rights.
_OVER_A_GATE: dict[str, tuple[bool, tuple[Right, ...]]] = {
    "approve": (True, (Right(_GATE, "environments", "approve"),)),
    "override": (True, (Right(_GATE, "environments", "override"),)),
    "change the Namespace": (True, tuple(Right("", "namespaces", verb) for verb in ("update", "patch"))),
    "change admission policies": (
        False,
        tuple(Right(_ADMISSION, kind, verb) for kind in _POLICIES for verb in _CHANGES),
    ),
    "act as other users": (False, (Right("", "users", "impersonate"),)),
    "give itself rights": (True, tuple(Right(_RBAC, "roles", verb) for verb in ("escalate", "bind"))),
}


def user_of(api: Api) -> str:
    """https://kubernetes.io/docs/reference/access-authn-authz/authentication/#self-subject-review"""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = api.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
    return str(answer["status"]["userInfo"]["username"])


def missing_rights(api: Api, namespace: str) -> list[Right]:
    """By one question for all; what that list does not show (it may be incomplete) is asked one by one."""
    body = {"spec": {"namespace": namespace}}
    rules: list[Json] = api.create(f"{REVIEWS}/selfsubjectrulesreviews", body)["status"]["resourceRules"] or []
    return [right for right in needed() if not granted(right, rules) and not may(api, namespace, right)]


def may_approve(api: Api, namespace: str) -> bool:
    """Return True when this identity may write approvals of the environment in *namespace*."""
    return may(api, namespace, Right("azora.dev", "environments", "approve"), name=namespace)


def may(api: Api, namespace: str | None, right: Right, *, name: str = "") -> bool:
    """Return True when this identity has *right*, for the object *name* or for all."""
    resource, _, part = right.resource.partition("/")
    asked = {"group": right.group, "resource": resource, "subresource": part, "verb": right.verb}
    where = {key: value for key, value in (("namespace", namespace), ("name", name)) if value}
    body = {"spec": {"resourceAttributes": asked | where}}
    return bool(api.create(f"{REVIEWS}/selfsubjectaccessreviews", body)["status"]["allowed"])


def labels_of(api: Api, namespace: str) -> dict[str, str] | None:
    """Labels of the namespace, or None when it is absent or forbidden.

    Rights go with the namespace, so that an account cannot distinguish the two.
    """
    try:
        found = api.find(f"/api/v1/namespaces/{namespace}")
    except Refused:
        return None
    return dict(found["metadata"].get("labels") or {}) if found else None


def served_until(url: str, authority: Path) -> datetime:
    """Expiry of the certificate that the API server presents."""
    place = urlsplit(url)
    context = ssl.create_default_context(cafile=str(authority))
    try:
        with (
            socket.create_connection((place.hostname or "", place.port or 443), SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=place.hostname) as secured,
        ):
            shown = secured.getpeercert() or {}
    except OSError as error:
        raise Unreachable(
            f"could not see the certificate of {url}: {error}",
            advice="check the network to that address, then retry",
        ) from error
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)


def token_expiry(token: str) -> datetime | None:
    """Expiry of a signed token, from its own content; None when it is no token, or never expires."""
    life = token_life(token)
    return life[1] if life else None


def token_life(token: str) -> tuple[datetime, datetime] | None:
    """Creation and expiry of a signed token; None when it is no token, or never expires."""
    try:
        claims = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        expires = datetime.fromtimestamp(said["exp"], UTC)
        return datetime.fromtimestamp(said.get("iat", said["exp"]), UTC), expires
    except (IndexError, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None


def powers_over_gate(api: Api, namespace: str) -> list[str]:
    """Rights of the identity by which the gate of *namespace* would not bind it, one line each."""
    return [
        words
        for words, (inside, rights) in _OVER_A_GATE.items()
        if any(may(api, namespace if inside else None, right, name=namespace if inside else "") for right in rights)
    ]


def excess_of(api: Api) -> list[str]:
    """Rights outside the namespace that the identity has, one line each."""
    return [words for words, (where, right) in _FOREIGN.items() if may(api, where, right)]
