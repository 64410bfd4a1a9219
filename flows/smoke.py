"""The smoke cases against what an environment runs now."""

from __future__ import annotations

from prefect import flow

from tasks.context import EnvironmentName
from tasks.hooks import watched
from tasks.proofs import run_cases


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
