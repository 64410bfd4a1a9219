"""What a release is, and what changes its id."""

from __future__ import annotations

import pytest

from azora.migrations import Migration
from azora.release import Release

BASE = Release(
    application="azora",
    commit="a" * 40,
    subject="Change the banner",
    images={"web": f"registry:5000/azora/web@sha256:{'0' * 64}"},
    charts_digest="c",
    values_digest="v",
    migration_heads=("0001",),
)


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


def test_it_survives_being_stored() -> None:
    assert Release.model_validate_json(BASE.model_dump_json()) == BASE
