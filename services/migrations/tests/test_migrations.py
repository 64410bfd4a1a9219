"""The schema: made by the revisions, known by the services, each revision with its phase."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, select
from sqlalchemy.exc import OperationalError

import auth.models
import edu.models
import local
import pay.models
from migrations.__main__ import configuration
from migrations.patience import when_it_answers

SCRIPTS = ScriptDirectory.from_config(configuration(""))


def test_models(database_url: str) -> None:
    """The models are what the revisions make."""
    engine = create_engine(database_url)
    metadata = [module.Base.metadata for module in (auth.models, edu.models, pay.models)]
    with engine.connect() as connection:
        options = {"include_schemas": True, "compare_type": True, "compare_server_default": True}
        options["include_name"] = lambda name, kind, _: kind != "schema" or name in ("auth", "edu", "pay")
        found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)  # type: ignore[arg-type]
    engine.dispose()
    assert found == []


def test_upgrade_at_once(database_url: str) -> None:
    """Parallel and repeated upgrades change nothing."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: local.migrate(database_url), range(2)))


@pytest.mark.parametrize("revision", list(SCRIPTS.walk_revisions()), ids=lambda revision: revision.revision)
def test_phase_of_a_revision(revision: Script) -> None:
    """Each revision is an expand, or a contract that names the expand before it."""
    followed = getattr(revision.module, "contracts", None)
    if revision.module.phase == "expand":
        assert followed is None
        return
    assert revision.module.phase == "contract"
    before = {one.revision: one.module.phase for one in SCRIPTS.iterate_revisions(revision.down_revision, "base")}
    assert before.get(followed) == "expand"


def test_database_that_comes_back(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """A database that comes back is waited for."""
    engine = create_engine(database_url)
    answers = [OperationalError("connect", {}, OSError("refused")), OperationalError("connect", {}, OSError("refused"))]

    def connect(of: Engine) -> Connection:
        if answers:
            raise answers.pop()
        return Connection(of)

    monkeypatch.setattr(Engine, "connect", connect)
    with when_it_answers(engine) as connection:
        assert connection.scalar(select(1)) == 1
    engine.dispose()


def test_database_that_stays_away() -> None:
    """A database that stays away is an error."""
    with pytest.raises(OperationalError, match="No such file or directory"):
        when_it_answers(create_engine("postgresql+psycopg://azora@/azora?host=/nowhere"), longest_seconds=0)


def test_head() -> None:
    """There is one head."""
    assert len(SCRIPTS.get_heads()) == 1


def test_requirements() -> None:
    """requirements.txt is the export of uv.lock."""
    pins = r'^name = "(.+)"\nversion = "(.+)"$'
    here = Path(local.__file__).parent
    locked = dict(re.findall(pins, (here / "uv.lock").read_text(), re.MULTILINE))
    installed = dict(re.findall(r"^([\w.-]+)==(\S+)", (here / "requirements.txt").read_text(), re.MULTILINE))
    assert installed.items() <= locked.items()
    assert len(installed) > 20
