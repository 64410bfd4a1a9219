"""Rights of the pipeline's account: `deployments/rights/environment.yaml`, filled in and compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby, product
from string import Template
from typing import Any

import yaml

from azora.config.json_object import Json
from azora.config.settings import ROOT
from azora.errors import BadInput

FILE = ROOT / "deployments/rights/environment.yaml"
SYSTEM = "azora-system"
ROLE = "azora-release"
ENFORCE = "pod-security.kubernetes.io/enforce"
STANDARD = "restricted"


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource, as a rule of a Role names them; the core group is ""."""

    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}" + (f".{self.group}" if self.group else "")


def manifest_of(namespace: str) -> str:
    """Everything that somebody with the right to do so applies before the first release, as YAML.

    Raises:
        BadInput: that namespace belongs to the cluster, or to the accounts: its pods would be refused, its rights given away.
    """
    if namespace in {"default", SYSTEM} or namespace.startswith("kube-"):
        raise BadInput(
            f"could not give the pipeline access to {namespace!r}: this namespace is reserved",
            advice="name another namespace in the file of the environment",
        )
    return Template(FILE.read_text()).substitute(NAMESPACE=namespace)


def objects_of(namespace: str) -> list[Json]:
    """The same, as objects in the order in which they are applied."""
    return list(yaml.safe_load_all(manifest_of(namespace)))


def namespace_object(namespace: str) -> Json:
    """The environment's Namespace, with its labels."""
    named = (found for found in objects_of(namespace) if found["kind"] == "Namespace")
    return next(found for found in named if found["metadata"]["name"] == namespace)


def needed() -> tuple[Right, ...]:
    """All that the Role gives: what is used, and no more."""
    (role,) = (found for found in objects_of("any") if found["kind"] == "Role" and found["metadata"]["name"] == ROLE)
    return rights_of(role["rules"])


def rights_of(rules: Iterable[Mapping[str, Any]]) -> tuple[Right, ...]:
    """Each verb on each resource that *rules* name, sorted."""
    each = (product(rule["apiGroups"], rule["resources"], rule["verbs"]) for rule in rules)
    return tuple(sorted({Right(*one) for some in each for one in some}))


def granted(right: Right, rules: Iterable[Mapping[str, Any]]) -> bool:
    """Return True when one of *rules*, as a SelfSubjectRulesReview lists them, gives *right* on any name."""
    return any(
        not rule.get("resourceNames")
        and _names(rule.get("apiGroups"), right.group)
        and _names(rule.get("resources"), right.resource)
        and _names(rule.get("verbs"), right.verb)
        for rule in rules
    )


def _names(listed: Iterable[str] | None, wanted: str) -> bool:
    return bool({"*", wanted} & set(listed or ()))


def rules_for(rights: Iterable[Right]) -> list[str]:
    """Rules of a Role that would give *rights*: one a resource, as they stand in the file."""
    by_resource = groupby(sorted(rights), key=lambda right: (right.group, right.resource))
    return [
        f'- {{apiGroups: ["{group}"], resources: [{resource}], verbs: [{", ".join(right.verb for right in some)}]}}'
        for (group, resource), some in by_resource
    ]


def user_of(namespace: str) -> str:
    """The name by which the cluster knows the account of *namespace*."""
    return f"system:serviceaccount:{SYSTEM}:{namespace}"
