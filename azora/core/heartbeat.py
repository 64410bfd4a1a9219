"""Signs of life that a run sends to Prefect, by which an automation finds the runs whose process died.

Why they are not Prefect's own: docs/decisions, *signs of life*.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

EVERY = timedelta(seconds=30)
SILENCE = timedelta(minutes=5)
"""So long without one, and a run is dead: more than Prefect's server needs to be started again."""

HEARTBEAT = "azora.run.heartbeat"
REST = "azora.run.rest"
"""The last one: from now on the run's silence means nothing."""


class Automated(StrEnum):
    """State of the automation that ends dead runs, on Prefect's server."""

    SET_UP = "set up"
    DISABLED = "disabled"
    OTHER = "different from this version's"
    MISSING = "missing"


# Prefect's own events of a run that is not at work any more, by the name of its new state.
ENDS = (
    REST,
    *(
        f"prefect.flow-run.{state}"
        for state in (
            "AwaitingRetry",
            "Cancelled",
            "Cancelling",
            "Completed",
            "Crashed",
            "Failed",
            "Paused",
            "Pending",
            "Scheduled",
            "Suspended",
        )
    ),
)
