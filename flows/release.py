"""The whole pipeline: test, build, prove stage by stage, request the approval, promote."""

from __future__ import annotations

from prefect import State, flow

from tasks.building import SIDE_BY_SIDE, build_release, test_services
from tasks.context import EnvironmentName
from tasks.hooks import watched
from tasks.outcomes import promoted, up_to_date
from tasks.promotion import promote
from tasks.proofs import prove_end_to_end, runs_already
from tasks.source import find_commit, find_release, name_the_run
from tasks.stages import is_a_stage, stages_to_prove


@flow(
    name="release",
    flow_run_name="release {ref}",
    task_runner=SIDE_BY_SIDE,
    **watched(),
)
def release(ref: str = "main", fresh: bool = False, to: EnvironmentName = EnvironmentName("production")) -> State[str]:
    """Release a commit to production: test, build, prove on each stage, get approval, promote blue-green.

    Args:
        ref: Branch, tag or commit of the application's repository to release.
        fresh: Test and prove it on every stage again, even where a stage holds a proof of this very release.
        to: Where users get it; the stages before it are those that the environments' files name as its proofs.
    """
    commit = find_commit(ref)
    name_the_run(f"release {commit.short} to {to}")
    candidate = find_release(commit)

    if candidate and runs_already(to, candidate):
        return up_to_date(to, candidate)

    stages = stages_to_prove(to, candidate, fresh=fresh)
    if stages or candidate is None:
        test_services(commit, fresh=fresh)
        candidate = build_release(commit)
    for stage in stages:
        if ended := promote(stage, candidate, end_to_end=True):
            return ended
        prove_end_to_end(stage, candidate)

    if ended := promote(to, candidate, end_to_end=is_a_stage(to)):
        return ended
    if is_a_stage(to):
        prove_end_to_end(to, candidate)
    return promoted(to, candidate)
