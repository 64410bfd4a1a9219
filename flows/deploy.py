"""One environment alone: build what is not built, demand the proof that its file asks for, promote."""

from __future__ import annotations

from prefect import State, flow

from tasks.building import SIDE_BY_SIDE, build_release
from tasks.context import EnvironmentName
from tasks.hooks import watched
from tasks.outcomes import promoted
from tasks.promotion import promote
from tasks.proofs import require_proof
from tasks.source import find_commit, name_the_run


@flow(
    name="deploy",
    flow_run_name="deploy {ref} to {environment}",
    task_runner=SIDE_BY_SIDE,
    **watched(),
)
def deploy(environment: EnvironmentName, ref: str = "main") -> State[str]:
    """Bring a commit to one environment, after a person's approval where its file asks for one.

    Args:
        environment: Where users get it.
        ref: Branch, tag or commit of the application's repository.
    """
    commit = find_commit(ref)
    name_the_run(f"deploy {commit.short} to {environment}")
    candidate = build_release(commit)
    require_proof(environment, candidate)
    if ended := promote(environment, candidate):
        return ended
    return promoted(environment, candidate)
