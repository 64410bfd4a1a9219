"""The content of a release, and what changes its id."""

from __future__ import annotations

import pytest

from azora.core.release.migrations import Migration
from azora.core.release.release import Release, whole_id
from tests.support.releases import BASE


@pytest.mark.parametrize(
    "change",
    [
        {"commit": "b" * 40},
        {"images": {"web": f"registry:5000/azora/web@sha256:{'1' * 64}"}},
        {"charts_digest": "d"},
        {"values_digest": "w"},
        {"migration_heads": ("0002",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_id_that_changes(change: dict[str, object]) -> None:
    """Everything that users could meet changes the id."""
    assert BASE.model_copy(update=change).id != BASE.id


def test_id_and_the_subject() -> None:
    """The subject of the commit does not change the id."""
    assert BASE.model_copy(update={"subject": "another"}).id == BASE.id


def test_id_and_the_migrations() -> None:
    """The migrations do not change the id: the commit has them, and older releases have no list."""
    assert BASE.model_copy(update={"migrations": (Migration(revision="0001", phase="expand"),)}).id == BASE.id


ID = "0123456789ab" + "c" * 52
TWIN = "0123456789ab" + "d" * 52


@pytest.mark.parametrize(
    ("recorded", "known", "whole"),
    [
        pytest.param(ID, [], ID, id="whole already"),
        pytest.param(ID[:40], [ID, TWIN], ID, id="on a label"),
        pytest.param(ID[:12], [ID], ID, id="recorded by an older version"),
        pytest.param(ID[:12], [ID, TWIN], ID[:12], id="two begin so: neither"),
        pytest.param(ID[:12], [ID[:12], ID[:40], ID], ID, id="known by its short ids, too"),
        pytest.param(ID[:12], ["f" * 64], ID[:12], id="not known any more"),
        pytest.param(ID[:7], [ID], ID[:7], id="no length that was ever written"),
        pytest.param(None, [ID], None, id="nothing"),
    ],
)
def test_id_in_a_record(recorded: str | None, known: list[str], whole: str | None) -> None:
    """A label or a short id names its one release, and no other."""
    assert whole_id(recorded, known) == whole


def test_id_on_a_label() -> None:
    """Labels hold 40 digits, everything else all 64; people read 12."""
    assert (len(BASE.id), len(BASE.label), BASE.id.startswith(BASE.label)) == (64, 40, True)
    assert BASE.title == f"{BASE.id[:12]} (aaaaaaa Change the banner)"


def test_release_as_json() -> None:
    """A release is the same after it is stored as JSON."""
    assert Release.model_validate_json(BASE.model_dump_json()) == BASE
