"""Back to what ran before: in a second while the old stack is up."""

from __future__ import annotations

from prefect import flow

from tasks.counting import count_run
from tasks.logs import keep_log
from tasks.places import EnvironmentName
from tasks.rollback import book_switch, go_back


@flow(
    name="rollback",
    flow_run_name="roll {environment} back",
    on_running=[keep_log],
    on_completion=[count_run],
    on_failure=[count_run],
    on_crashed=[count_run],
    on_cancellation=[count_run],
)
def rollback(environment: EnvironmentName = EnvironmentName("production"), revision: int | None = None) -> None:
    """Send users back to the release that served them before, or to a numbered one.

    Args:
        environment: Whose users go back.
        revision: Number of a switch, as azora status lists them; empty for the color users came from.
    """
    go_back(environment, revision)
    book_switch(environment)
