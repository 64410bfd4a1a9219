"""Label and annotations of a Namespace: one set of policies serves every environment by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from azora.config.environment import Environment
from azora.core.promotion.binding import policy_digest

ENVIRONMENT_LABEL = "azora.dev/environment"
REQUIRED_LABEL, REQUIRED = "azora.dev/approval", "required"
APPLICATION, HOSTS = "azora.dev/application", "azora.dev/hosts"
MINIMUM, POLICY, SIDECARS = "azora.dev/minimum", "azora.dev/policy", "azora.dev/sidecars"


@dataclass(frozen=True)
class Marks:
    """Content of the annotations.

    `hosts` begins with the live one; `policy` is the digest of the environment's file.
    """

    application: str
    hosts: tuple[str, ...]
    minimum: int = 0
    policy: str = ""
    sidecars: tuple[str, ...] = ()

    @classmethod
    def of(cls, environment: Environment, application: str) -> Self:
        """Annotations by the file of *environment*."""
        hosts, policy = (environment.hosts.live, environment.hosts.preview), environment.approval
        if policy is None or not environment.has_a_gate:
            return cls(application, hosts)
        return cls(application, hosts, policy.minimum, policy_digest(environment), policy.sidecars)

    @property
    def annotations(self) -> dict[str, str]:
        """The annotations; those of the gate alone are left out where it is not used."""
        always = {APPLICATION: self.application, HOSTS: " ".join(self.hosts)}
        gate = {MINIMUM: str(self.minimum), POLICY: self.policy, SIDECARS: " ".join(self.sidecars)}
        return always | (gate if self.minimum else {})


@dataclass(frozen=True)
class Gate:
    """The gate of a namespace as it is in the cluster: whether it is on, and what it enforces."""

    is_on: bool
    marks: Marks | None

    @classmethod
    def of(cls, namespace: Mapping[str, Any] | None) -> Self:
        """The gate that the Namespace object *namespace* describes."""
        metadata = (namespace or {}).get("metadata") or {}
        is_on = (metadata.get("labels") or {}).get(REQUIRED_LABEL) == REQUIRED
        notes: Mapping[str, str] = metadata.get("annotations") or {}
        if APPLICATION not in notes:
            return cls(is_on, None)
        marks = Marks(
            notes[APPLICATION],
            tuple(notes.get(HOSTS, "").split()),
            int(notes[MINIMUM]) if notes.get(MINIMUM, "").isdigit() else 0,
            notes.get(POLICY, ""),
            tuple(notes.get(SIDECARS, "").split()),
        )
        return cls(is_on, marks)

    def differences(self, environment: Environment, application: str) -> list[str]:
        """List how the cluster differs from the file of *environment*, a line each: a run is refused then."""
        wanted = Marks.of(environment, application)
        if not self.is_on:
            return [f"the namespace has no label {REQUIRED_LABEL}={REQUIRED}"] if wanted.minimum else []
        if self.marks is None:
            return [f"the namespace has no annotation {APPLICATION}"]
        return [
            f"the cluster's {name} is {_shown(found)}, the file's {_shown(said)}"
            for name in ("application", "hosts", "minimum", "sidecars", "policy")
            if (found := getattr(self.marks, name)) != (said := getattr(wanted, name))
        ]


def _shown(value: object) -> str:
    return (" ".join(value) if isinstance(value, tuple) else str(value)) or "none"
