"""The pipeline's accounts on the node: one per environment file that names no other cluster."""

from __future__ import annotations

from azora.config.environment import environments, load_environment
from azora.config.settings import ROOT
from azora.gateways.kubernetes.api import Api
from azora.gateways.kubernetes.rbac import let_in
from azora.local.layout import Layout

ENVIRONMENTS = ROOT / "deployments/environments"
API_TIMEOUT_SECONDS = 10.0


def let_pipeline_in(node: Layout) -> list[str]:
    """Apply the rights of each environment and write its kubeconfig; returns their names."""
    api = Api(node.kubeconfig, None, timeout_seconds=API_TIMEOUT_SECONDS)
    found = [load_environment(name, ENVIRONMENTS) for name in environments(ENVIRONMENTS)]
    here = [environment for environment in found if environment.context is None]
    for environment in here:
        let_in(environment, api, node.identities)
    return [environment.name for environment in here]
