"""Expand, then contract: migrations of a release, and the code that works with the database.

The rules and their reasons are in docs/decisions/0010-expand-then-contract.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict


class Migration(BaseModel):
    """One revision.

    A contract names in `contracts` the expand with which the code stopped using what the contract removes.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    revision: str
    phase: Literal["expand", "contract"]
    contracts: str | None = None


class Code(Protocol):
    """Code built from a commit: a release, or its record. `migrations` are in the order they run in."""

    @property
    def migrations(self) -> tuple[Migration, ...]: ...

    @property
    def migration_heads(self) -> tuple[str, ...]: ...


def carried(code: Code | None, among: tuple[Migration, ...]) -> frozenset[str]:
    """Revisions of *code*; a record with heads alone takes the revisions before them from *among*."""
    if code is None:
        return frozenset()
    if code.migrations:
        return frozenset(migration.revision for migration in code.migrations)
    heads = [number for number, migration in enumerate(among, 1) if migration.revision in code.migration_heads]
    return frozenset(migration.revision for migration in among[: max(heads, default=0)])


def pending(release: Code, serving: Code | None) -> tuple[Migration, ...]:
    """Migrations of *release* that the active code does not have, in order; all without an active color."""
    known = carried(serving, release.migrations)
    return tuple(migration for migration in release.migrations if migration.revision not in known)


def breaking(release: Code, serving: Code | None) -> Migration | None:
    """First migration of *release* that removes what the active code may still use, or None.

    That code is safe when it carries the expand that the contract names: with it, it stopped using what goes.
    """
    known = carried(serving, release.migrations)
    contracts = (migration for migration in pending(release, serving) if migration.phase == "contract")
    return next((migration for migration in contracts if migration.contracts not in known), None)


def past(code: Code | None, ran: tuple[Migration, ...]) -> Migration | None:
    """The first contract of those that *ran* on the database which *code* was released without, or None."""
    known = carried(code, ran)
    return next((m for m in ran if m.phase == "contract" and m.revision not in known), None)


def together(*several: Iterable[Migration]) -> tuple[Migration, ...]:
    """Each migration of *several* once, in the order it is met."""
    return tuple(dict.fromkeys(migration for some in several for migration in some))
