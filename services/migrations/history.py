"""History of the revisions that ran on a database.

Alembic's own table has only the newest revision, which an older release does not have.
"""

from __future__ import annotations

from typing import Any

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Column, Connection, DateTime, MetaData, Table, Text, delete, func, select
from sqlalchemy.dialects.postgresql import insert

RAN = Table(
    "migrations_run",
    MetaData(),
    Column("revision", Text, primary_key=True),
    Column("phase", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)


def begin(connection: Connection, scripts: ScriptDirectory, heads: tuple[str, ...]) -> None:
    """Make the table, and fill in what ran before there was one."""
    RAN.create(connection, checkfirst=True)
    phases = phases_of(scripts)
    for head in phases.keys() & set(heads):
        for script in scripts.iterate_revisions(head, "base"):
            _add(connection, script.revision, phases[script.revision])


def note(connection: Connection, step: Any) -> None:
    """Remember one *step* that Alembic took, up or down."""
    revision = step.up_revision_id
    if step.is_upgrade:
        _add(connection, revision, step.up_revision.module.phase)
    else:
        connection.execute(delete(RAN).where(RAN.c.revision == revision))


def is_ahead(connection: Connection, scripts: ScriptDirectory, heads: tuple[str, ...]) -> bool:
    """Return True when a newer release migrated the database, with expands alone.

    Then this release has nothing to do.

    Raises:
        CommandError: a contract of a newer release ran, or one of another branch that lacks ours.
    """
    own = phases_of(scripts)
    strange = sorted(set(heads) - own.keys())
    if not strange:
        return False
    ran = dict(connection.execute(select(RAN.c.revision, RAN.c.phase)).tuples().all())
    if contracts := sorted(revision for revision, phase in ran.items() if phase == "contract" and revision not in own):
        raise CommandError(f"the database holds contract {', '.join(contracts)}, which this release was made without")
    if missing := sorted(own.keys() - ran.keys()):
        raise CommandError(
            f"the database is at {', '.join(strange)}, which this release does not have, without its {', '.join(missing)}"
        )
    return True


def phases_of(scripts: ScriptDirectory) -> dict[str, str]:
    """Every revision of the folder, with its phase."""
    return {script.revision: script.module.phase for script in scripts.walk_revisions()}


def _add(connection: Connection, revision: str, phase: str) -> None:
    connection.execute(insert(RAN).values(revision=revision, phase=phase).on_conflict_do_nothing())
