"""PostgreSQL: an engine per process, a session per request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine, QueuePool, create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from common.metrics import Pool, Usage
from common.settings import DatabaseSettings

# For libpq: a server that is gone without a word is noticed in seconds, whether it is being called, sent to or waited for.
VIGILANT = {
    "connect_timeout": 3,
    "tcp_user_timeout": 6000,
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}


def connect(settings: DatabaseSettings) -> Engine:
    """An engine that notices when PostgreSQL was restarted and gives up on it within seconds."""
    return create_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_size,  # for peaks, closed after use
        pool_timeout=8,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={**VIGILANT, "options": "-c statement_timeout=8000 -c lock_timeout=8000"},
    )


def ping(engine: Engine) -> None:
    """Raise when PostgreSQL cannot be asked."""
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def pool_of(engine: Engine, settings: DatabaseSettings) -> Pool:
    """Usage of the engine's connection pool; the pool has no number of those who wait."""
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    return lambda: Usage(pool.checkedout(), 2 * settings.database_pool_size, idle=pool.checkedin())


def _session(request: Request) -> Iterator[Session]:
    factory: sessionmaker[Session] = request.app.state.database
    with factory() as session:
        yield session


Database = Annotated[Session, Depends(_session)]
