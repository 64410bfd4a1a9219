"""Production alone, for a release that its stage proved: request the approval, then promote."""

from __future__ import annotations

from prefect import State, flow

from tasks.building import SIDE_BY_SIDE, build_release
from tasks.hooks import watched
from tasks.outcomes import promoted
from tasks.promotion import promote
from tasks.proofs import require_proof
from tasks.source import find_commit, name_the_run


@flow(
    name="deploy-production",
    flow_run_name="deploy {ref} to production",
    task_runner=SIDE_BY_SIDE,
    **watched(),
)
def deploy_production(ref: str = "main") -> State[str]:
    """Bring a commit that staging proved to production, after a person's approval.

    Args:
        ref: Branch, tag or commit of the application's repository.
    """
    commit = find_commit(ref)
    name_the_run(f"deploy {commit.short} to production")
    candidate = build_release(commit)
    require_proof("production", candidate)
    if ended := promote("production", candidate):
        return ended
    return promoted("production", candidate)
