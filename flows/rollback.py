"""Back to what ran before: in a second while the old stack is up."""

from __future__ import annotations

from prefect import flow

from tasks.context import EnvironmentName
from tasks.hooks import watched
from tasks.rollback import go_back, record_switch


@flow(
    name="rollback",
    flow_run_name="roll {environment} back",
    **watched(),
)
def rollback(environment: EnvironmentName = EnvironmentName("production"), revision: int | None = None) -> None:
    """Send users back to the release that served them before, or to a numbered one.

    Args:
        environment: Whose users go back.
        revision: Number of a switch, as azora status lists them; empty for the release that served before.
    """
    go_back(environment, revision)
    record_switch(environment)
