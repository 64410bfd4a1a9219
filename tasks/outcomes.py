"""Good ends of a run, in the text that its page shows."""

from __future__ import annotations

from prefect import State
from prefect.states import Completed

from azora.core.cluster.record import Replacement
from azora.core.messages.superseded import message
from azora.core.release.release import Release
from azora.gateways.prefect.superseded_runs import SUPERSEDED


def rejected(environment: str, release: Release) -> State[str]:
    """The state of a run whose plan was rejected. The run itself is completed."""
    return Completed(name="Rejected", message=f"an approver rejected {release.title}; {environment} is unchanged")


def superseded(environment: str, newer: Replacement) -> State[str]:
    """The state of a run whose request a newer one replaced."""
    return Completed(name=SUPERSEDED, message=message(environment, newer))


def up_to_date(environment: str, release: Release) -> State[str]:
    return Completed(name="Up to date", message=f"{environment} already runs {release.title}; nothing to do")


def promoted(environment: str, release: Release) -> State[str]:
    return Completed(message=f"{environment} runs {release.title}")
