"""The runbook's sections about the databases, by their own commands, on the platform."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drill.drilling import drill
from tests.drill.situations import SITUATIONS, Situation
from tests.support import pipeline

pytestmark = [pytest.mark.full, pytest.mark.usefixtures("platform")]


@pytest.fixture(scope="module", autouse=True)
def repository(platform: object) -> Iterator[None]:  # noqa: ARG001
    """The repository; a commit that is made here is on no branch after it."""
    with pipeline.undone():
        yield


@pytest.mark.parametrize("situation", [one for one in SITUATIONS if one.needs_data], ids=lambda one: one.name)
def test_runbook(situation: Situation) -> None:
    """A person who follows the section sees what it says, and is done when it says so."""
    drill(situation)
