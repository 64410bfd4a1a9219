"""Expand, then contract: which migrations may run beside which code."""

from __future__ import annotations

import pytest

from azora.core.cluster.record import StackRecord
from azora.core.release.migrations import Migration, breaking, carried, past, pending
from tests.support.releases import ADD, DROP, FIRST, MARK, code

OLDER_THAN_THE_LIST = code(heads=("0002",))


@pytest.mark.parametrize(
    ("release", "serving", "broken_by"),
    [
        pytest.param(code(FIRST, ADD), code(FIRST), None, id="an expand"),
        pytest.param(code(FIRST, ADD, MARK, DROP), code(FIRST, ADD, MARK), None, id="users are on the expand"),
        pytest.param(code(FIRST, ADD, MARK, DROP), code(FIRST, ADD), DROP, id="expand and contract at once"),
        pytest.param(code(FIRST, ADD, MARK, DROP), code(FIRST), DROP, id="releases were left out"),
        pytest.param(code(FIRST, ADD, MARK, DROP), code(FIRST, ADD, MARK, DROP), None, id="it ran long ago"),
        pytest.param(
            code(FIRST, ADD, MARK, DROP), OLDER_THAN_THE_LIST, DROP, id="known by its head: before the expand"
        ),
        pytest.param(code(FIRST, ADD, MARK, DROP), code(heads=("0003",)), None, id="known by its head: on the expand"),
        pytest.param(code(FIRST, ADD, MARK, DROP), None, DROP, id="nothing is known of what serves"),
        pytest.param(code(), code(FIRST), None, id="a release without migrations"),
    ],
)
def test_breaking_migration(release: StackRecord, serving: StackRecord | None, broken_by: Migration | None) -> None:
    """A contract breaks code that may still need what it removes."""
    assert breaking(release, serving) == broken_by


@pytest.mark.parametrize(
    ("target", "ran", "stopped_by"),
    [
        pytest.param(code(FIRST), (FIRST, ADD, MARK), None, id="back over expands"),
        pytest.param(code(FIRST, ADD, MARK), (FIRST, ADD, MARK, DROP), DROP, id="back over a contract"),
        pytest.param(code(FIRST, ADD, MARK, DROP), (FIRST, ADD, MARK, DROP), None, id="back to one that has it"),
        pytest.param(OLDER_THAN_THE_LIST, (FIRST, ADD, MARK, DROP), DROP, id="known by its head"),
        pytest.param(OLDER_THAN_THE_LIST, (), None, id="all records are older than the list"),
        pytest.param(None, (FIRST, ADD, MARK, DROP), DROP, id="nothing is known of it"),
    ],
)
def test_migration_that_stops_a_rollback(
    target: StackRecord | None, ran: tuple[Migration, ...], stopped_by: Migration | None
) -> None:
    """A rollback stops at a contract migration that ran since."""
    assert past(target, ran) == stopped_by


@pytest.mark.parametrize(
    ("serving", "left"),
    [
        pytest.param(None, (FIRST, ADD), id="a first release: all"),
        pytest.param(code(FIRST), (ADD,), id="what is new"),
        pytest.param(code(FIRST, ADD, MARK), (), id="an older release: nothing"),
        pytest.param(code(heads=("0001",)), (ADD,), id="known by its head"),
    ],
)
def test_pending_migrations(serving: StackRecord | None, left: tuple[Migration, ...]) -> None:
    """Pending migrations are those that the serving release does not have."""
    assert pending(code(FIRST, ADD), serving) == left


def test_migrations_of_an_unknown_head() -> None:
    """An unknown head counts for no migration."""
    assert carried(code(heads=("another branch",)), (FIRST, ADD)) == frozenset()
