"""Fixtures of the services' tests: a real PostgreSQL with the real schema, and a Redis in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import fakeredis
import pytest
from fastapi.testclient import TestClient

import local
from common import sessions
from common.sessions import Account


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    from alembic import command  # here, for services without tables start sooner

    from migrations.__main__ import configuration

    with local.postgresql() as url:
        command.upgrade(configuration(url), "head")
        yield url


@pytest.fixture
def emptied(database_url: str) -> Iterator[str]:
    """The database without anybody's data; the courses stay."""
    from sqlalchemy import create_engine, text

    yield database_url
    engine = create_engine(database_url)
    with engine.begin() as connection:
        tables = "auth.accounts, edu.enrollments, pay.cart_items, pay.orders, pay.order_items"
        connection.execute(text(f"TRUNCATE {tables}"))
    engine.dispose()


@pytest.fixture(autouse=True)
def redis(monkeypatch: pytest.MonkeyPatch) -> fakeredis.FakeRedis:
    """One Redis for everything in a test."""
    server = fakeredis.FakeRedis(decode_responses=True)
    monkeypatch.setattr(sessions, "connect", lambda _: server)
    return server


LogIn = Callable[[TestClient], Account]


@pytest.fixture
def log_in(redis: fakeredis.FakeRedis) -> LogIn:
    """Make a client act for a new person."""

    def log_in(client: TestClient) -> Account:
        account = Account(id=uuid4(), name="Ada", email="ada@example.test")
        token = sessions.Sessions(redis, sessions.timedelta(hours=1)).open(account)
        client.headers["authorization"] = f"Bearer {token}"
        return account

    return log_in
