"""The browser cases against what an environment runs now."""

from __future__ import annotations

from prefect import flow

from tasks.context import EnvironmentName
from tasks.hooks import watched
from tasks.proofs import run_cases


@flow(
    name="e2e",
    flow_run_name="end-to-end cases on {environment}",
    **watched(),
)
def e2e(environment: EnvironmentName = EnvironmentName("staging")) -> None:
    """Run the end-to-end cases of the running release against its live address.

    Args:
        environment: Where to run them.
    """
    run_cases(environment, "e2e")
