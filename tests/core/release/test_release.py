"""What a release is, and what changes its id."""

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
def test_everything_that_users_could_meet_changes_the_id(change: dict[str, object]) -> None:
    assert BASE.model_copy(update=change).id != BASE.id


def test_the_subject_of_the_commit_does_not() -> None:
    assert BASE.model_copy(update={"subject": "another"}).id == BASE.id


def test_the_list_of_migrations_does_not() -> None:
    """The commit says it already, and releases remembered without the list keep their id."""
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
def test_recorded_id(recorded: str | None, known: list[str], whole: str | None) -> None:
    """A label and an older version's record are recognised as the release that they name, and as no other."""
    assert whole_id(recorded, known) == whole


def test_label_of_a_release() -> None:
    """Labels hold 40 digits, everything else all 64; people read 12."""
    assert (len(BASE.id), len(BASE.label), BASE.id.startswith(BASE.label)) == (64, 40, True)
    assert BASE.title == f"{BASE.id[:12]} (aaaaaaa Change the banner)"


def test_it_survives_being_stored() -> None:
    assert Release.model_validate_json(BASE.model_dump_json()) == BASE
