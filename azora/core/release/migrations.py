"""Expand, then contract: which migrations a release brings, and which code the database leaves working.

The rules and their reasons are in docs/decisions/0010-expand-then-contract.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict


class Migration(BaseModel):
    """One revision. A contract names in `contracts` the expand with which the code stopped using what it takes away."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    revision: str
    phase: Literal["expand", "contract"]
    contracts: str | None = None


class Code(Protocol):
    """Code built from a commit: a release, or the record of one. `migrations` are in the order they run in."""

    @property
    def migrations(self) -> tuple[Migration, ...]: ...

    @property
    def migration_heads(self) -> tuple[str, ...]: ...


def carried(code: Code | None, among: tuple[Migration, ...]) -> frozenset[str]:
    """Revisions that *code* brings. A record that holds the heads alone brings what comes before them *among* others."""
    if code is None:
        return frozenset()
    if code.migrations:
        return frozenset(migration.revision for migration in code.migrations)
    heads = [number for number, migration in enumerate(among, 1) if migration.revision in code.migration_heads]
    return frozenset(migration.revision for migration in among[: max(heads, default=0)])


def pending(release: Code, serving: Code | None) -> tuple[Migration, ...]:
    """Migrations of *release* that the code which serves users does not have, in order; all when nobody is served."""
    known = carried(serving, release.migrations)
    return tuple(migration for migration in release.migrations if migration.revision not in known)


def breaking(release: Code, serving: Code | None) -> Migration | None:
    """The first migration of *release* that takes away what the code that serves users may still use, or None.

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
