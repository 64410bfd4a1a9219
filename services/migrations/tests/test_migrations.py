"""The schema: made by the revisions, known by the services, each revision with its phase."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import create_engine

import auth.models
import edu.models
import local
import pay.models
from migrations.__main__ import configuration

SCRIPTS = ScriptDirectory.from_config(configuration(""))


def test_the_models_are_what_the_revisions_make(database_url: str) -> None:
    engine = create_engine(database_url)
    metadata = [module.Base.metadata for module in (auth.models, edu.models, pay.models)]
    with engine.connect() as connection:
        options = {"include_schemas": True, "compare_type": True, "compare_server_default": True}
        options["include_name"] = lambda name, kind, _: kind != "schema" or name in ("auth", "edu", "pay")
        found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)  # type: ignore[arg-type]
    engine.dispose()
    assert found == []


def test_two_at_once_and_again_change_nothing(database_url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: local.migrate(database_url), range(2)))


@pytest.mark.parametrize("revision", list(SCRIPTS.walk_revisions()), ids=lambda revision: revision.revision)
def test_every_revision_says_expand_or_contract(revision: Script) -> None:
    """A contract also says which expand before it the code must have, that serves users while it runs."""
    followed = getattr(revision.module, "contracts", None)
    if revision.module.phase == "expand":
        assert followed is None
        return
    assert revision.module.phase == "contract"
    before = {one.revision: one.module.phase for one in SCRIPTS.iterate_revisions(revision.down_revision, "base")}
    assert before.get(followed) == "expand"


def test_there_is_one_head() -> None:
    assert len(SCRIPTS.get_heads()) == 1


def test_the_images_install_what_is_locked() -> None:
    """requirements.txt is `uv export --locked --no-dev --no-header --no-emit-project -o requirements.txt`."""
    pins = r'^name = "(.+)"\nversion = "(.+)"$'
    here = Path(local.__file__).parent
    locked = dict(re.findall(pins, (here / "uv.lock").read_text(), re.MULTILINE))
    installed = dict(re.findall(r"^([\w.-]+)==(\S+)", (here / "requirements.txt").read_text(), re.MULTILINE))
    assert installed.items() <= locked.items()
    assert len(installed) > 20
