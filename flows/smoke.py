"""The smoke cases against what an environment runs now."""

from __future__ import annotations

from prefect import flow

from tasks.counting import count_run
from tasks.logs import keep_log
from tasks.places import EnvironmentName
from tasks.proving import run_cases


@flow(
    name="smoke",
    flow_run_name="smoke cases on {environment}",
    on_running=[keep_log],
    on_completion=[count_run],
    on_failure=[count_run],
    on_crashed=[count_run],
    on_cancellation=[count_run],
)
def smoke(environment: EnvironmentName = EnvironmentName("production")) -> None:
    """Run the smoke cases of the running release against its live address.

    Args:
        environment: Where to run them.
    """
    run_cases(environment, "smoke")
