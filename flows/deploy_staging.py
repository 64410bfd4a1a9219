"""Staging alone: build what is not built, and promote it there by the code that promotes production."""

from __future__ import annotations

from prefect import State, flow

from tasks.building import SIDE_BY_SIDE, build_release
from tasks.hooks import watched
from tasks.outcomes import promoted
from tasks.promotion import promote
from tasks.proofs import require_proof
from tasks.source import find_commit, name_the_run


@flow(
    name="deploy-staging",
    flow_run_name="deploy {ref} to staging",
    task_runner=SIDE_BY_SIDE,
    **watched(),
)
def deploy_staging(ref: str = "main") -> State[str]:
    """Bring a commit to staging.

    Args:
        ref: Branch, tag or commit of the application's repository.
    """
    commit = find_commit(ref)
    name_the_run(f"deploy {commit.short} to staging")
    candidate = build_release(commit)
    require_proof("staging", candidate)
    if ended := promote("staging", candidate):
        return ended
    return promoted("staging", candidate)
