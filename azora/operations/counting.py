"""Approvals of people of the cluster, counted from what the cluster has now."""

from __future__ import annotations

from collections.abc import Iterable

from azora.config.environment import ApprovalPolicy
from azora.core.gate.approved import Approved
from azora.core.gate.request import Subject
from azora.core.gate.tally import Facts, Tally, tally_of
from azora.core.record.entry import hash_of, readable
from azora.errors import BadInput
from azora.gateways.kubernetes.approved_store import approved_of
from azora.gateways.kubernetes.cluster import Cluster


def tally_now(cluster: Cluster, subject: Subject, authors: Iterable[str]) -> Tally:
    """Tally of the request *subject* by the API server's own clock.

    *authors*: addresses of the commits' authors.
    """
    approved = approved_of(cluster.namespace)
    used = (yes.at for yes in cluster.record.approvals() if (yes.run, yes.plan) == (subject.run, subject.plan))
    facts = Facts(
        now=cluster.namespace.api.clock(),
        authors=tuple(authors),
        used=max(used, default=None),
        heads=_heads(cluster, approved, subject.run),
    )
    return tally_of(approved, subject, policy_of(cluster), facts)


def policy_of(cluster: Cluster) -> ApprovalPolicy:
    """Raises BadInput where the environment's file does not say `by: cluster`."""
    environment = cluster.namespace.environment
    if environment.approval is None or not environment.has_a_gate:
        raise BadInput(
            f"could not count approvals of {environment.name}: its file has no `approval.by: cluster`",
            advice="approve with the form of the run",
        )
    return environment.approval


def _heads(cluster: Cluster, approved: Approved, run: str) -> set[str]:
    """Heads of the record, as far back as answers to *run* name them; older objects are read only then."""
    named = {answer.head for _, answer in approved.answers() if answer.run == run}
    found = _heads_of(cluster.log.newest())
    return found if named <= found else _heads_of(cluster.log.lines())


def _heads_of(lines: tuple[str, ...]) -> set[str]:
    return {f"{entry.number}:{hash_of(line)}" for line in lines for entry in readable([line])}
