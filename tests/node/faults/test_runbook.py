"""Whoever follows the runbook sees what it says, and is done when it says so: every command of it, in its situation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drill.drilling import drill
from tests.drill.situations import SITUATIONS, Situation, undone

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("platform")]


@pytest.fixture(scope="module", autouse=True)
def repository(platform: object) -> Iterator[None]:  # noqa: ARG001 - the node must be up
    """What is committed here is on no branch after it."""
    with undone():
        yield


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_the_runbook_recovers_from(situation: Situation) -> None:
    drill(situation)
