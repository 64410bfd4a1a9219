"""Two releases on one database: code before an expand goes on; a release finds out it is too old.

The code of the release before is not in this checkout; what it knows of the database is: the tables as its own last
revision left them. Those are read from a database at that revision, and written and read again one revision later.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, MetaData, create_engine, insert, make_url, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

import auth.models
import edu.models
import migrations
import pay.models
from migrations.__main__ import configuration, reason

HERE = Path(migrations.__file__).parent
SCHEMAS = ("auth", "edu", "pay")
SOMEBODY, ORDER = UUID(int=1), UUID(int=2)
COURSE = {"course_slug": "a-new-one", "title": "A new one"}

# A row as a service writes it. A column that a table does not have yet is left out.
ROWS: dict[str, dict[str, object]] = {
    "auth.accounts": {"id": SOMEBODY, "email": "ada@example.test", "name": "Ada", "password_hash": "argon2"},
    "edu.courses": {
        "slug": "a-new-one", "position": 99, "title": "A new one", "summary": "s", "description": "d", "level": "Beginner",
        "minutes": 5, "price_cents": 900,
    },
    "edu.lessons": {"course_slug": "a-new-one", "number": 1, "title": "t", "body": "b"},
    "edu.enrollments": {"account_id": SOMEBODY, "course_slug": "a-new-one"},
    "pay.cart_items": {"account_id": SOMEBODY, "price_cents": 900, **COURSE},
    "pay.orders": {
        "id": ORDER, "account_id": SOMEBODY, "status": "paid", "amount_cents": 900, "currency": "usd", "attempts": 1,
        "intent_id": "pi_1", "card_last4": "4242", "paid_at": datetime(2026, 1, 1, tzinfo=UTC),
    },
    "pay.order_items": {"order_id": ORDER, "price_cents": 900, **COURSE},
}  # fmt: skip


@pytest.fixture
def empty(database_url: str) -> str:
    """A database of its own, with nothing in it; it goes with its server."""
    name = f"d{uuid4().hex}"
    server = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    server.dispose()
    return make_url(database_url).set(database=name).render_as_string(hide_password=False)


Make = Callable[..., Config]


@pytest.fixture
def release(empty: str, tmp_path: Path) -> Make:
    """Migrations of a release: the platform's own, and *more* revisions, each with phase and statement."""

    def make(**more: tuple[str, str]) -> Config:
        folder = tmp_path / uuid4().hex
        shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("tests", "__pycache__"))
        after = ScriptDirectory(folder).get_current_head()
        for revision, (phase, statement) in more.items():
            (folder / "versions" / f"{revision}.py").write_text(
                f"from alembic import op\nrevision = {revision!r}\ndown_revision = {after!r}\nphase = {phase!r}\n"
                f"def upgrade(): op.execute({statement!r})\n"
            )
            after = revision
        return configuration(empty, folder)

    return make


def tables(engine: Engine) -> MetaData:
    """The platform's tables as they are now: what the code of this revision knows."""
    found = MetaData()
    for schema in SCHEMAS:
        found.reflect(engine, schema=schema)
    return found


def write_and_read(connection: Connection, known: MetaData) -> None:
    """Add a row to every table that the code knows, and find in it all that was written."""
    for table in known.sorted_tables:
        assert str(table) in ROWS, f"add a row of {table} to ROWS"
        row = {name: value for name, value in ROWS[str(table)].items() if name in table.c}
        connection.execute(insert(table).values(row))
        keys = [column == row[column.name] for column in table.primary_key]
        assert row.items() <= dict(connection.execute(select(table).where(*keys)).mappings().one()).items()
        connection.execute(select(table)).all()


def engine_of(config: Config) -> Engine:
    return create_engine(config.attributes["database_url"])


def walk(config: Config) -> None:
    """One revision after the other; after each expand the code before it must write and read as it did."""
    engine, known = engine_of(config), MetaData()
    scripts = ScriptDirectory(config.get_main_option("script_location") or "")
    try:
        for script in reversed(list(scripts.walk_revisions())):
            command.upgrade(config, script.revision)
            if script.module.phase == "expand":
                with engine.connect() as connection:  # rolled back: the next revision begins without these rows
                    write_and_read(connection, known)
            known = tables(engine)
    finally:
        engine.dispose()


def test_expands_of_the_platform(release: Make) -> None:
    """The code before each expand works beside it."""
    walk(release())


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE pay.orders ADD COLUMN note text",
        "ALTER TABLE pay.orders ADD COLUMN tries integer NOT NULL DEFAULT 0",
        "CREATE TABLE pay.refunds (id uuid PRIMARY KEY)",
    ],
)
def test_expand(release: Make, statement: str) -> None:
    """A statement that adds is an expand."""
    walk(release(a1=("expand", statement)))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE pay.orders DROP COLUMN card_last4",
        "ALTER TABLE pay.orders RENAME COLUMN attempts TO tries",
        "ALTER TABLE auth.accounts ADD COLUMN country text NOT NULL",
        "ALTER TABLE edu.courses ALTER COLUMN price_cents TYPE text",
        "ALTER TABLE pay.orders ADD CHECK (currency = 'eur')",
        "DROP TABLE edu.enrollments",
    ],
)
def test_expand_that_breaks(release: Make, statement: str) -> None:
    """A statement that breaks the code before it is no expand."""
    with pytest.raises((DBAPIError, AssertionError)):
        walk(release(a1=("expand", statement)))


def test_newest_tables(release: Make) -> None:
    """The code of this release writes and reads the newest tables."""
    config = release()
    command.upgrade(config, "head")
    engine = engine_of(config)
    with engine.connect() as connection:
        for models in (auth.models, edu.models, pay.models):
            write_and_read(connection, models.Base.metadata)
    engine.dispose()


def test_release_before_an_expand(release: Make) -> None:
    """A rollback's migration Job has nothing to do on the newer database."""
    command.upgrade(release(a1=("expand", "CREATE TABLE pay.refunds (id uuid PRIMARY KEY)")), "head")
    old = release()
    command.upgrade(old, "head")
    assert ("a1", "expand") in ran(old)


def test_release_before_a_contract(release: Make) -> None:
    """A release from before a contract is refused."""
    command.upgrade(release(a1=("contract", "ALTER TABLE pay.orders DROP COLUMN card_last4")), "head")
    with pytest.raises(CommandError, match="holds contract a1, which this release was made without"):
        command.upgrade(release(), "head")


def test_release_of_another_branch(release: Make) -> None:
    """A release of another branch is refused."""
    command.upgrade(release(a1=("expand", "CREATE TABLE pay.refunds (id uuid PRIMARY KEY)")), "head")
    with pytest.raises(CommandError, match="is at a1, which this release does not have, without its b1"):
        command.upgrade(release(b1=("expand", "CREATE TABLE pay.gifts (id uuid PRIMARY KEY)")), "head")


def test_history_from_before(release: Make) -> None:
    """Migrations from before the history are filled in."""
    config = release()
    command.upgrade(config, "head")
    before = ran(config)
    engine = engine_of(config)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE migrations_run"))
    engine.dispose()
    command.upgrade(config, "head")
    assert ran(config) == before


def test_migration_that_fails(release: Make) -> None:
    """A failed migration changes nothing, and its reason is one line."""
    command.upgrade(release(), "head")
    before = ran(release())
    bad = release(
        a1=("expand", "CREATE TABLE pay.refunds (id uuid)"), a2=("expand", "ALTER TABLE pay.nothing ADD n int")
    )
    with pytest.raises(DBAPIError) as caught:
        command.upgrade(bad, "head")
    assert reason(caught.value) == 'relation "pay.nothing" does not exist'
    assert ran(bad) == before
    command.upgrade(release(a1=("expand", "CREATE TABLE pay.refunds (id uuid PRIMARY KEY)")), "head")


def test_writes_during_an_expand(release: Make) -> None:
    """Users write on while an expand runs."""
    command.upgrade(release(), "head")
    config = release(**{f"a{n}": ("expand", f"ALTER TABLE auth.accounts ADD COLUMN extra{n} text") for n in range(9)})
    begun, over = Event(), Event()

    def register() -> int:
        engine, count = engine_of(config), 0
        with Session(engine) as session:
            while not over.is_set():
                session.add(auth.models.AccountRow(email=f"{count}@example.test", name="Ada", password_hash="argon2"))
                session.commit()
                count += 1
                begun.set()
        engine.dispose()
        return count

    with ThreadPoolExecutor() as pool:
        written = pool.submit(register)
        begun.wait(20)
        command.upgrade(config, "head")
        over.set()
        wrote = written.result()
    engine = engine_of(config)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM auth.accounts")).scalar_one() == wrote > 0
    engine.dispose()


def test_table_in_use(release: Make) -> None:
    """A table in use is waited for a moment, then left to the next attempt."""
    command.upgrade(release(), "head")
    config = release(a1=("expand", "ALTER TABLE pay.orders ADD COLUMN note text"))
    config.attributes["table_wait"] = "300ms"
    engine = engine_of(config)
    with engine.connect() as busy:
        busy.execute(text("SELECT * FROM pay.orders"))  # a transaction that stays open
        with pytest.raises(DBAPIError) as caught:
            command.upgrade(config, "head")
    engine.dispose()
    assert reason(caught.value) == "canceling statement due to lock timeout"
    command.upgrade(config, "head")
    assert ran(config)[0] == ("a1",)


def test_job_that_fails(release: Make, empty: str) -> None:
    """The Job's last line has the reason: a run's page shows it."""
    command.upgrade(release(a1=("contract", "ALTER TABLE pay.orders DROP COLUMN card_last4")), "head")
    job = [sys.executable, "-m", "migrations"]
    ended = subprocess.run(
        job, check=False, cwd=HERE.parent, env={**os.environ, "DATABASE_URL": empty}, capture_output=True, text=True
    )
    assert ended.returncode == 1
    said = json.loads(ended.stdout.splitlines()[-1])["message"]
    assert said == (
        "the migration failed and changed nothing: the database holds contract a1, which this release was made without"
    )


def ran(config: Config) -> list[Any]:
    """Revisions that ran on the database: from Alembic's table, then from ours."""
    engine = engine_of(config)
    with engine.connect() as connection:
        newest = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
        history = connection.execute(
            text("SELECT revision, phase FROM migrations_run ORDER BY revision = '0001' DESC, revision")
        )
        found = [tuple(newest), *map(tuple, history.all())]
    engine.dispose()
    return found
