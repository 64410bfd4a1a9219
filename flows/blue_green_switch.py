"""Point users at a color by hand."""

from __future__ import annotations

from prefect import flow

from azora.colors import Color
from tasks.counting import count_run
from tasks.logs import keep_log
from tasks.places import EnvironmentName
from tasks.rollback import book_switch, switch_to


@flow(
    name="blue-green-switch",
    flow_run_name="switch {environment} to {color}",
    on_running=[keep_log],
    on_completion=[count_run],
    on_failure=[count_run],
    on_crashed=[count_run],
    on_cancellation=[count_run],
)
def blue_green_switch(color: Color, environment: EnvironmentName = EnvironmentName("production")) -> None:
    """Send users of an environment to a color whose stack is up, ready and proved; refused otherwise.

    Args:
        color: Where users go.
        environment: Whose users.
    """
    switch_to(environment, color)
    book_switch(environment)
