"""Point users at a color by hand."""

from __future__ import annotations

from prefect import flow

from azora.core.colors import Color
from tasks.context import EnvironmentName
from tasks.hooks import watched
from tasks.rollback import record_switch, switch_to


@flow(
    name="blue-green-switch",
    flow_run_name="switch {environment} to {color}",
    **watched(),
)
def blue_green_switch(color: Color, environment: EnvironmentName = EnvironmentName("production")) -> None:
    """Send users of an environment to a color whose stack is up, ready and proved; refused otherwise.

    Args:
        color: Where users go.
        environment: Whose users.
    """
    switch_to(environment, color)
    record_switch(environment)
