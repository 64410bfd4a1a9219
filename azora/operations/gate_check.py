"""Check of the gate before a run requests an approval: the cluster enforces what the file says."""

from __future__ import annotations

from azora.errors import Refused
from azora.gateways.kubernetes.access_review import may_approve
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.gate import gate_of


def must_be_enforced(cluster: Cluster) -> None:
    """Raise Refused where the file says `by: cluster`, and the cluster does not enforce it.

    The gate is on, it is the one of this very file, and the account that asks may not approve by itself.
    """
    namespace = cluster.namespace
    if not namespace.environment.has_a_gate:
        return
    must_be_as_the_file(cluster)
    if may_approve(namespace.api, namespace.name):
        raise Refused(
            f"could not request an approval in {namespace.environment.name}: the account that runs may approve by itself",
            advice="let the pipeline run with the account that `azora rights apply ENV` makes (AZORA_IDENTITIES), and take the"
            " right `approve` on environments.azora.dev from it",
        )


def must_be_as_the_file(cluster: Cluster) -> None:
    """Raise Refused unless the gate is on, and enforces what the environment's file says."""
    namespace = cluster.namespace
    name = namespace.environment.name
    if found := gate_of(namespace).differences(namespace.environment, namespace.application):
        raise Refused(
            f"could not go on with approvals of {name}: its file and the cluster differ: {'; '.join(found)}",
            advice=f"use the environment's file that the cluster enforces; after a change of it, an administrator runs"
            f" `azora rights apply {name}`",
        )
