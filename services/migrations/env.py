"""Alembic's entry: one transaction, one migrator at a time."""

from __future__ import annotations

from alembic import context
from sqlalchemy import NullPool, create_engine, text

# Any number, the same in every release: two Jobs that start at once run one after the other.
MIGRATION_LOCK = 0x617A6F7261

engine = create_engine(context.config.attributes["database_url"], poolclass=NullPool, hide_parameters=True)
with engine.connect() as connection:
    connection.execute(text("SET lock_timeout = '120s'"))
    connection.commit()
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        # A migration waits at most this long for a table that users hold, instead of making them queue behind it.
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        context.run_migrations()
