"""Releases in the record: each by its id, each migration once, however many releases have it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from azora.core.cluster.record import KEPT, MIGRATIONS, StackRecord
from azora.core.release.migrations import Migration, together
from azora.core.release.release import Release
from azora.errors import BadInput

TABLE = "migrations"


class _Stored(BaseModel):
    """One release; `number` orders them, `migrations` are ranges (first and last place) of the table."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    migrations: tuple[tuple[int, int], ...] = ()
    release: Release


def packed(releases: Sequence[Release]) -> dict[str, str]:
    """*releases*, oldest first, as keys and texts of one object."""
    table = together(*(release.migrations for release in releases))
    places = {migration: place for place, migration in enumerate(table)}
    rows = {
        release.id: _Stored(
            number=number,
            migrations=tuple(_ranges(places[migration] for migration in release.migrations)),
            release=release.model_copy(update={"migrations": ()}),
        ).model_dump_json()
        for number, release in enumerate(releases)
    }
    return {TABLE: MIGRATIONS.dump_json(table).decode(), **rows}


def unpacked(stored: Mapping[str, str], only: Collection[str] | None = None) -> tuple[Release, ...]:
    """The releases of *stored*, or *only* those with these ids; oldest first.

    Raises:
        BadInput: somebody garbled them.
    """
    try:
        rows = [_Stored.model_validate_json(text) for id_, text in stored.items() if id_ != TABLE and _is_in(id_, only)]
        table = MIGRATIONS.validate_json(stored.get(TABLE, "[]")) if any(row.migrations for row in rows) else ()
    except ValidationError as error:
        raise BadInput(
            "could not read the releases of the record: azora-record-releases is not what Azora wrote",
            advice="somebody changed it; restore it from a backup, or remove the garbled keys: kubectl edit configmap azora-record-releases",
        ) from error
    return tuple(_whole(row, table) for row in sorted(rows, key=lambda row: row.number))


def ids_of(stored: Mapping[str, str]) -> list[str]:
    return [id_ for id_ in stored if id_ != TABLE]


def kept_after(release: Release, before: Sequence[Release], needed: Collection[str]) -> tuple[Release, ...]:
    """Newest releases with *release* last, and those of *before* that are *needed*, oldest first."""
    others = [one for one in before if one.id != release.id]
    newest = {one.id for one in others[1 - KEPT :]}
    return (*(one for one in others if one.id in newest or one.id in needed), release)


def with_migrations(stack: StackRecord | None, stored: Mapping[str, str]) -> StackRecord | None:
    """*stack* with the migrations of its release, which the record stores with the release."""
    if stack is None or stack.migrations or stack.release not in stored:
        return stack
    (release,) = unpacked(stored, {stack.release})
    return stack.model_copy(update={"migrations": release.migrations})


def _is_in(id_: str, only: Collection[str] | None) -> bool:
    return only is None or id_ in only


def _whole(row: _Stored, table: Sequence[Migration]) -> Release:
    migrations = tuple(migration for first, last in row.migrations for migration in table[first : last + 1])
    return row.release.model_copy(update={"migrations": migrations})


def _ranges(places: Iterable[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for place in places:
        if found and place == found[-1][1] + 1:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return found
