"""Objects of the gate: policies of the cluster, and people's Roles of one environment."""

from __future__ import annotations

from string import Template

import yaml

from azora.config.environment import Environment, People
from azora.config.json_object import Json
from azora.config.settings import ROOT

FOLDER = ROOT / "deployments/rights/gate"
PEOPLE = ROOT / "deployments/rights/people.yaml"
APPROVE, OVERRIDE, ROLL_BACK = "azora-approve", "azora-override", "azora-rollback"
_RBAC = "rbac.authorization.k8s.io"


def policies() -> list[Json]:
    """Policies and their bindings, for the whole cluster, in the order in which they are applied."""
    return [found for file in sorted(FOLDER.glob("*.yaml")) for found in yaml.safe_load_all(file.read_text())]


def people_of(environment: Environment, application: str) -> list[Json]:
    """Roles of *environment*, and their bindings to the people of its file."""
    text = Template(PEOPLE.read_text()).substitute(NAMESPACE=environment.namespace, APPLICATION=application)
    roles: list[Json] = list(yaml.safe_load_all(text))
    policy = environment.approval
    bound = {APPROVE: policy.approvers, OVERRIDE: policy.override, ROLL_BACK: policy.rollback} if policy else {}
    return [*roles, *(_binding(environment.namespace, role, people) for role, people in bound.items())]


def gate_manifest(environment: Environment, application: str) -> str:
    """Everything of the gate but the Namespace's label and `azora-approved`, as YAML."""
    return yaml.safe_dump_all([*policies(), *people_of(environment, application)], sort_keys=False, width=120)


def _binding(namespace: str, role: str, people: People) -> Json:
    names = (*(("User", name) for name in people.users), *(("Group", name) for name in people.groups))
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"namespace": namespace, "name": role},
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": role},
        "subjects": [{"apiGroup": _RBAC, "kind": kind, "name": name} for kind, name in names],
    }
