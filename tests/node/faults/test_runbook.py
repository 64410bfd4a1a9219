"""The runbook: every command in its situation, on the guestbook; on the platform for the databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drill.drilling import drill
from tests.drill.situations import SITUATIONS, Situation
from tests.support import pipeline
from tests.support.guestbook import Guestbook

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def repository(served_book: Guestbook) -> Iterator[None]:  # noqa: ARG001 - both environments serve users
    """The repository; a commit that is made here is on no branch after it."""
    with pipeline.undone():
        yield


@pytest.mark.parametrize("situation", [one for one in SITUATIONS if not one.needs_data], ids=lambda one: one.name)
def test_runbook(situation: Situation) -> None:
    """A person who follows the section sees what it says, and is done when it says so."""
    drill(situation)
