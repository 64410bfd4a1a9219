"""Point users at a color by hand."""

from __future__ import annotations

from prefect import flow

from azora.colors import Color
from tasks.places import EnvironmentName
from tasks.rollback import book_switch, switch_to
from tasks.watching import watched


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
    book_switch(environment)
