"""Every night: the whole staging road of the newest commit."""

from __future__ import annotations

from prefect import State, flow

from tasks.building import SIDE_BY_SIDE, build_release, test_services
from tasks.hooks import watched
from tasks.nightly_page import the_nights_page
from tasks.notifications import of_the_nightly_run
from tasks.outcomes import promoted
from tasks.promotion import promote
from tasks.proofs import prove_end_to_end
from tasks.pruning import prune
from tasks.records import verify_records
from tasks.source import find_commit, main_branch, name_the_run


@flow(
    name="nightly",
    flow_run_name="nightly",
    task_runner=SIDE_BY_SIDE,
    **watched(of_the_nightly_run, the_nights_page),
)
def nightly() -> State[str]:
    """Release the newest commit of the main branch to staging, after pruning and a check of the records."""
    commit = find_commit(main_branch())
    name_the_run(f"nightly {commit.short}")
    prune()
    verify_records()
    test_services(commit, fresh=True)
    candidate = build_release(commit)
    promote("staging", candidate, end_to_end=True)
    prove_end_to_end("staging", candidate)
    return promoted("staging", candidate)
