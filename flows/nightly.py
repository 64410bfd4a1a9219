"""Every night: the whole staging road of the newest commit."""

from __future__ import annotations

from prefect import State, flow

from tasks.building import SIDE_BY_SIDE, build_release, test_services
from tasks.counting import count_run
from tasks.logs import keep_log
from tasks.nights import the_nights_page
from tasks.outcomes import promoted
from tasks.promotion import promote
from tasks.proving import prove_end_to_end
from tasks.pruning import prune
from tasks.source import find_commit, main_branch, name_the_run
from tasks.telling import of_the_nightly_run


@flow(
    name="nightly",
    flow_run_name="nightly",
    task_runner=SIDE_BY_SIDE,
    on_running=[keep_log],
    on_completion=[of_the_nightly_run, the_nights_page, count_run],
    on_failure=[of_the_nightly_run, the_nights_page, count_run],
    on_crashed=[of_the_nightly_run, the_nights_page, count_run],
    on_cancellation=[count_run],
)
def nightly() -> State[str]:
    """Rehearse the newest commit of the main branch on staging: tidy up, test, build, promote, end-to-end cases."""
    commit = find_commit(main_branch())
    name_the_run(f"nightly {commit.short}")
    prune()
    test_services(commit)
    candidate = build_release(commit)
    promote("staging", candidate, end_to_end=True)
    prove_end_to_end("staging", candidate)
    return promoted("staging", candidate)
