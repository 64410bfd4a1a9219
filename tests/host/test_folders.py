"""Folders in which tests of a commit wrote: measured and removed, whatever is in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from azora.errors import Failed
from azora.host import folders
from azora.host.folders import DOOMED, erase, finish_removals, folders_in, remove


def deep(folder: Path, levels: int = 2500) -> Path:
    """Folder with more levels than Python's own walks take, and a path longer than the system's limit."""
    folder.mkdir(parents=True)
    here = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("dd", dir_fd=here)
        below = os.open("dd", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    return folder


@pytest.fixture(autouse=True)
def _cleared(tmp_path: Path) -> Iterator[None]:
    """Pytest's own removal of old folders takes no thousand levels."""
    yield
    erase(tmp_path)


def test_folders_of_many_levels(tmp_path: Path) -> None:
    """A folder with thousands of levels is listed beside the others, and removed."""
    deep(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b/file").write_bytes(b"x" * 7)
    assert [(one.name, one.size > 0) for one in folders_in(tmp_path, group="g", by_content=True)] == [
        ("a", True),
        ("b", True),
    ]
    assert remove(tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_folder_of_the_future(tmp_path: Path) -> None:
    """A time that whoever writes there chose makes a folder older, never younger."""
    future = (datetime.now(UTC) + timedelta(days=9000)).timestamp()
    for name, moment in (("later", future), ("earlier", 1_000_000_000)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
        os.utime(tmp_path / name / "file", (moment, moment))
        os.utime(tmp_path / name, (moment, moment))
    for by_content in (True, False):
        ages = {one.name: one.at for one in folders_in(tmp_path, group="g", by_content=by_content)}
        assert ages["earlier"] == datetime.fromtimestamp(1_000_000_000, UTC)
        assert ages["later"]
        assert ages["later"] <= datetime.now(UTC)


def test_removal_of_folders_without_rights(tmp_path: Path) -> None:
    """Folders that their owner made read-only are removed, too."""
    folder = tmp_path / "cache/module"
    folder.mkdir(parents=True)
    (folder / "go.mod").touch()
    folder.chmod(0o500)
    assert remove(tmp_path / "cache")
    assert not list(tmp_path.iterdir())


def test_removal_of_links(tmp_path: Path) -> None:
    """The target of a link stays; a name that looks like an option is a name."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "-rf").mkdir()
    (tmp_path / "-rf/link").symlink_to("../outside")
    erase(tmp_path / "-rf")
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]


def test_removal_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names what stays, and others are removed all the same."""
    for name in ("a", "b"):
        (tmp_path / f"{DOOMED}{name}").mkdir()
    bad = tmp_path / f"{DOOMED}a"

    def one_that_stays(path: Path) -> None:
        if path == bad:
            raise Failed(f"could not remove {path}: Operation not permitted")
        path.rmdir()

    monkeypatch.setattr(folders, "erase", one_that_stays)
    assert finish_removals(tmp_path) == [f"could not remove {bad}: Operation not permitted"]
    assert [path.name for path in tmp_path.iterdir()] == [bad.name]
