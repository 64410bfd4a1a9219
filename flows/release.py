"""The whole road: test, build, stage, prove, ask, promote."""

from __future__ import annotations

from prefect import State, flow

from tasks.building import SIDE_BY_SIDE, build_release, test_services
from tasks.outcomes import already_there, promoted, rejected
from tasks.promotion import promote
from tasks.proving import prove_end_to_end, proved_already, runs_already
from tasks.source import find_commit, find_release, name_the_run
from tasks.watching import watched


@flow(
    name="release",
    flow_run_name="release {ref}",
    task_runner=SIDE_BY_SIDE,
    **watched(),
)
def release(ref: str = "main", fresh: bool = False) -> State[str]:
    """Bring a commit to production: tested, built, proved on staging, approved by a person, promoted blue-green.

    Args:
        ref: Branch, tag or commit of the application's repository to release.
        fresh: Test and prove it on staging again, even where staging holds a proof of this very release.
    """
    commit = find_commit(ref)
    name_the_run(f"release {commit.short}")
    candidate = find_release(commit)

    if candidate and runs_already("production", candidate):
        return already_there("production", candidate)

    if candidate is None or not proved_already("staging", candidate, fresh=fresh):
        test_services(commit, fresh=fresh)
        candidate = build_release(commit)
        promote("staging", candidate, end_to_end=True)
        prove_end_to_end("staging", candidate)

    if not promote("production", candidate):
        return rejected("production", candidate)
    return promoted("production", candidate)
