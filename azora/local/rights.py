"""Rights on the node: an account of the pipeline for each of its environments, and the gate."""

from __future__ import annotations

from collections.abc import Iterator

from azora.config.environment import Environment, environments, load_environment
from azora.gateways.kubernetes.api import Api
from azora.gateways.kubernetes.gate import gate_of, running, to_take_over, turn_off, turn_on
from azora.gateways.kubernetes.namespace import Namespace
from azora.gateways.kubernetes.rbac import let_in
from azora.local.env_file import APPLICATION
from azora.local.gate import environments_of
from azora.local.layout import Layout

API_TIMEOUT_SECONDS = 10.0


def let_pipeline_in(node: Layout) -> list[str]:
    """Apply the rights of each environment and write its kubeconfig; returns their names."""
    api = _administrator(node)
    here = list(_environments(node))
    for environment in here:
        let_in(environment, api, node.identities)
    return [environment.name for environment in here]


def set_gates(node: Layout) -> list[str]:
    """Turn the gate of each environment on or off, as its file has it; returns where it is on.

    What runs without an approval is taken over when a gate is turned on.
    """
    namespaces = [Namespace(_administrator(node), here, APPLICATION) for here in _environments(node)]
    for namespace in namespaces:
        if namespace.environment.has_a_gate:
            turn_on(namespace, to_take_over(namespace, running(namespace).items))
        elif gate_of(namespace).is_on:
            turn_off(namespace)
    return [one.environment.name for one in namespaces if one.environment.has_a_gate]


def _administrator(node: Layout) -> Api:
    return Api(node.kubeconfig, None, timeout_seconds=API_TIMEOUT_SECONDS)


def _environments(node: Layout) -> Iterator[Environment]:
    folder = environments_of(node)
    found = (load_environment(name, folder) for name in environments(folder))
    return (environment for environment in found if environment.context is None)
