"""Checks of `azora doctor` on the approvals of an environment, as the pipeline and as the person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from azora.config.environment import Environment
from azora.config.identity import of_person
from azora.config.settings import Settings
from azora.core import doctor_gate
from azora.core.doctor import Finding
from azora.core.gate.marks import REQUIRED, REQUIRED_LABEL
from azora.core.gate.policy_differences import differences
from azora.gateways.kubernetes.access_review import powers_over_gate
from azora.gateways.kubernetes.cluster import connect
from azora.gateways.kubernetes.gate import gate_of, policies_of, refused_images
from azora.gateways.kubernetes.namespace import Namespace


def examine_gate(namespace: Namespace, labels: Mapping[str, str] | None) -> Iterator[Finding]:
    """Gate of *namespace* as the pipeline sees it; nothing where no approval is needed and none enforced.

    *labels* of the Namespace; None where it cannot be seen, which is a finding of its own.
    """
    environment = namespace.environment
    is_on = (labels or {}).get(REQUIRED_LABEL) == REQUIRED
    if environment.has_a_gate:
        yield from _gate(namespace) if labels is not None else ()
        return
    if environment.approval:
        yield doctor_gate.by_form(environment.name)
    if is_on:
        yield doctor_gate.left_on(environment.name)


def _gate(namespace: Namespace) -> Iterator[Finding]:
    gate, environment = gate_of(namespace), namespace.environment
    if old := doctor_gate.version(namespace.api.get("/version")["gitVersion"]):
        yield old
        return
    yield doctor_gate.gate(gate.is_on, gate.differences(environment, namespace.application), environment.name)
    yield doctor_gate.own_account(powers_over_gate(namespace.api, namespace.name), environment.name)
    if gate.is_on:
        yield doctor_gate.pods(refused_images(namespace))


def examine_policies(environment: Environment, settings: Settings) -> Finding:
    """Policies of the cluster, as the person of the settings: the pipeline's account may not read them."""
    api = connect(environment, settings, of_person(environment, settings)).namespace.api
    return doctor_gate.policies(list(differences(policies_of(api))), environment.name)
