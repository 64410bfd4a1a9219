"""The smoke cases against what an environment runs now."""

from __future__ import annotations

from prefect import flow

from tasks.places import EnvironmentName
from tasks.proving import run_cases
from tasks.watching import watched


@flow(
    name="smoke",
    flow_run_name="smoke cases on {environment}",
    **watched(),
)
def smoke(environment: EnvironmentName = EnvironmentName("production")) -> None:
    """Run the smoke cases of the running release against its live address.

    Args:
        environment: Where to run them.
    """
    run_cases(environment, "smoke")
