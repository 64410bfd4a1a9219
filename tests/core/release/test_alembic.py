"""Revision files as text: what is read, and what is refused before anything is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from azora.config.application import Application, load_application
from azora.config.settings import ROOT
from azora.core.release.alembic import heads_of, migrations_of
from azora.core.release.migrations import Migration
from azora.errors import BadInput
from azora.operations.checkout import Checkout


def file(revision: str, after: str | None, *lines: str) -> str:
    return "\n".join(
        ["import a_module_that_is_not_installed", f"revision: str = {revision!r}", f"down_revision = {after!r}", *lines]
    )


EXPAND = 'phase = "expand"'
CONTRACT = 'phase = "contract"'
ADD = file("b1", None, EXPAND)
DROP = file("a2", "b1", CONTRACT, 'contracts = "b1"')


def test_revision_files() -> None:
    """Revision files are read in the order they run in, and never executed."""
    files = {"a.py": DROP, "b.py": ADD, "__init__.py": "LIMIT = 3"}
    assert migrations_of(files) == (
        Migration(revision="b1", phase="expand"),
        Migration(revision="a2", phase="contract", contracts="b1"),
    )
    assert heads_of(files) == ("a2",)


@pytest.mark.parametrize(
    ("files", "order"),
    [
        pytest.param(
            {"a.py": "BEFORE = 'b1'\nrevision = ID = 'a2'\ndown_revision = (BEFORE,)\n" + EXPAND, "b.py": ADD},
            ["b1", "a2"],
            id="names",
        ),
        pytest.param(
            {"a.py": file("s1", None, EXPAND, 'depends_on = ["net"]'), "b.py": file("n1", None, EXPAND, 'branch_labels = "net"')},
            ["n1", "s1"],
            id="branch label",
        ),
        pytest.param({"b.py": b"# coding: latin-1\n# Cr\xe9er\n" + ADD.encode()}, ["b1"], id="Latin-1"),
        pytest.param({"b.py": b"\xef\xbb\xbf" + ADD.replace("\n", "\r\n").encode()}, ["b1"], id="saved by Windows"),
        pytest.param({"b.py": ADD + "\ndef upgrade():\n    revision = op.f('x')"}, ["b1"], id="local name"),
    ],
)  # fmt: skip
def test_revision_file_that_alembic_reads(files: dict[str, str | bytes], order: list[str]) -> None:
    """Encodings, names and branch labels are read as Python and Alembic read them."""
    assert [one.revision for one in migrations_of(files)] == order
    assert heads_of(files) == (order[-1],)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        pytest.param({"b.py": file("b1", None)}, "b.py: its phase is neither expand nor contract", id="no word"),
        pytest.param({"b.py": file("b1", None, 'phase = "both"')}, "b.py: its phase is neither", id="another word"),
        pytest.param({"b.py": file("b1", None, "phase = choose()")}, "b.py: its phase is neither", id="computed"),
        pytest.param({"b.py": ADD, "a.py": file("a2", "b1", CONTRACT)}, "a.py: it contracts None", id="of nothing"),
        pytest.param(
            {"b.py": ADD, "a.py": file("a2", "b1", CONTRACT, 'contracts = "zz"')}, "contracts 'zz'", id="of a stranger"
        ),
        pytest.param(
            {"a.py": file("a2", None, CONTRACT, 'contracts = "b1"'), "b.py": file("b1", "a2", EXPAND)},
            "no expand before it",
            id="before its expand",
        ),
        pytest.param(
            {"b.py": ADD, "a.py": DROP, "c.py": file("c3", "a2", CONTRACT, 'contracts = "a2"')},
            "c.py: it contracts 'a2'",
            id="of a contract",
        ),
        pytest.param(
            {"b.py": file("b1", None, EXPAND, 'contracts = "b1"')}, "contracts nothing", id="an expand of one"
        ),
        pytest.param({"b.py": file("b1", "lost", EXPAND)}, "b.py is b1 after lost", id="a gap"),
        pytest.param({"b.py": ADD, "c.py": ADD}, "c.py is b1 after nothing", id="twice"),
        pytest.param({"b.py": "revision = ("}, "b.py: ", id="not Python"),
        pytest.param({"b.py": b"NAME = '\xe9'\n" + ADD.encode()}, "b.py: (unicode error)", id="not UTF-8"),
        pytest.param({"b.py": f"revision = 'b' + str(1)\n{EXPAND}"}, "b.py: revision computed", id="computed id"),
        pytest.param(
            {"b.py": "revision, down_revision = 'b1', None"}, "b.py: revision and down_revision", id="two at once"
        ),
        pytest.param({"b.py": "from ids import B as revision"}, "b.py: revision computed", id="imported id"),
        pytest.param({"b.py": "if True:\n    revision = 'b1'"}, "b.py: revision computed", id="id on a condition"),
        pytest.param(
            {"b.py": ADD, "c.py": file("c3", None, EXPAND, "down_revision = last()")},
            "c.py: down_revision",
            id="computed order",
        ),
        pytest.param(
            {"b.py": file("b1", None, EXPAND, "depends_on = [net()]")}, "b.py: depends_on", id="computed need"
        ),
        pytest.param({"b.py": ADD + "\ncontracts = old()"}, "b.py: contracts computed", id="computed contract"),
        pytest.param({"shared.py": "LIMIT = 3"}, "shared.py: it has no `revision`", id="no revision"),
    ],
)
def test_revision_file_that_is_wrong(files: dict[str, str], says: str) -> None:
    """A wrong revision file is refused with its name and what to do."""
    with pytest.raises(BadInput, match="could not read the migrations") as caught:
        migrations_of(files)
    assert says in caught.value.message
    assert caught.value.advice


@pytest.mark.parametrize(
    ("places", "says"),
    [
        pytest.param(["billing/b.py"], "versions': m/billing/b.py", id="version_locations"),
        pytest.param(["versions/2024/b.py"], "versions': m/versions/2024/b.py", id="recursive_version_locations"),
        pytest.param(["revisions/b.py"], "versions': m/revisions/b.py", id="another folder"),
        pytest.param(["old.py"], "'m/versions' is no folder", id="no folder"),
    ],
)
def test_revision_file_in_another_folder(tmp_path: Path, places: list[str], says: str) -> None:
    """A revision that Alembic would find and Azora would not is refused."""
    for place, text in [("env.py", "revision = None"), ("script.py", "${"), *((place, DROP) for place in places)]:
        (tmp_path / "m" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "m" / place).write_text(text if place != "old.py" else "")
    with pytest.raises(BadInput, match="could not read the migrations") as caught:
        Checkout("", tmp_path, Application.model_construct(migrations="m")).revision_files()
    assert says in caught.value.message


HERE = "script_location = %(here)s/m\n"


@pytest.mark.parametrize(
    ("file", "text", "further"),
    [
        pytest.param("alembic.ini", f"[alembic]\n{HERE}version_locations = %(here)s/m/versions b/versions", "b/versions", id="ini"),
        pytest.param("alembic.ini", f"[alembic]\n{HERE}version_locations =\n  m/versions\n  b\n  c", "b, c", id="lines"),
        pytest.param("pyproject.toml", '[tool.alembic]\nscript_location = "m"\nversion_locations = ["b"]', "b", id="pyproject"),
        pytest.param("alembic.ini", f"[alembic]\n{HERE}version_locations = %(here)s/m/versions:m/b", "", id="inside"),
        pytest.param("alembic.ini", "[alembic]\nscript_location = other\nversion_locations = b", "", id="another application"),
        pytest.param("alembic.ini", f"[alembic]\n{HERE}# version_locations = b", "", id="comment"),
        pytest.param("alembic.ini", HERE, "", id="no INI file"),
        pytest.param("pyproject.toml", "[tool", "", id="no TOML"),
    ],
)  # fmt: skip
def test_folders_of_a_configuration(tmp_path: Path, file: str, text: str, further: str) -> None:
    """A folder elsewhere that Alembic reads revisions from is refused, with the file that names it."""
    (tmp_path / "m/versions").mkdir(parents=True)
    (tmp_path / file).write_text(text)
    found = Checkout("", tmp_path, Application.model_construct(migrations="m"))
    if not further:
        assert found.revision_files() == {}
        return
    with pytest.raises(BadInput) as caught:
        found.revision_files()
    assert caught.value.message.endswith(f"{file}: version_locations outside of 'm': {further}")


def test_revision_files_that_are_wrong() -> None:
    """The error names all wrong files at once."""
    with pytest.raises(BadInput, match=r"b\.py.*c\.py"):
        migrations_of({"b.py": file("b1", None), "c.py": file("c2", "b1")})


def test_thousands_of_revision_files() -> None:
    """Their order is found in a time that grows as their number: with its cube, these took twenty minutes."""
    count = 2000
    before = {number: f"r{number - 1}" if number else None for number in range(count)}
    files = {f"{count - number:05}.py": file(f"r{number}", before[number], EXPAND) for number in range(count)}
    assert [one.revision for one in migrations_of(files)] == [f"r{number}" for number in range(count)]
    assert heads_of(files) == (f"r{count - 1}",)


def test_revision_files_of_the_platform() -> None:
    """The platform's own revision files are one chain from 0001."""
    files = Checkout("", ROOT, load_application(ROOT)).revision_files()
    assert migrations_of(files)[0] == Migration(revision="0001", phase="expand")
    assert len(heads_of(files)) == 1
