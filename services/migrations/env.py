"""Alembic's entry: one transaction, one migrator at a time."""

from __future__ import annotations

import logging

from alembic import context
from sqlalchemy import NullPool, create_engine, text

from common.database import VIGILANT
from migrations import history
from migrations.patience import when_it_answers

# Any number, the same in every release: two Jobs that start at once run one after the other.
MIGRATION_LOCK = 0x617A6F7261

engine = create_engine(
    context.config.attributes["database_url"], poolclass=NullPool, hide_parameters=True, connect_args=VIGILANT
)
with when_it_answers(engine) as connection:
    # Three attempts of the Job, each with this wait, end before its deadline takes their logs away.
    connection.execute(text("SET lock_timeout = '60s'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=None,
        on_version_apply=lambda step, **_: history.note(connection, step),
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        # A migration waits at most this long for a table that users hold, instead of making them queue behind it.
        patience = context.config.attributes["table_wait"]
        connection.execute(text("SELECT set_config('lock_timeout', :patience, true)"), {"patience": patience})
        heads = context.get_context().get_current_heads()
        history.begin(connection, context.script, heads)
        if history.is_ahead(connection, context.script, heads):
            logging.getLogger("migrations").info(
                "a newer release migrated the database to %s already", ", ".join(heads)
            )
        else:
            context.run_migrations()
