"""Attacks that the tests of a commit leave in a folder: nothing follows them, whoever the worker is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from azora.errors import Failed
from azora.host.folders import erase
from azora.host.process import logged, run
from azora.host.strangers import MOST_LEVELS, take_back
from tests.support.other_user import as_other_user

SECRET = "the worker's own"


@pytest.mark.attack("tests leave links, pipes and sockets in their report folder", by="the sweep of the folder")
def test_what_is_no_file(tmp_path: Path) -> None:
    """Links, pipes and sockets are removed, and nothing outside is touched."""
    (tmp_path / "outside").write_text(SECRET)
    theirs = tmp_path / "theirs/deep"
    theirs.mkdir(parents=True)
    (theirs / "link").symlink_to(tmp_path / "outside")
    (theirs / "folder").symlink_to(tmp_path)
    (theirs / "gone").symlink_to("/nowhere")
    os.mkfifo(theirs / "fifo")
    (theirs / "file").touch()
    take_back(tmp_path / "theirs")
    assert [path.name for path in theirs.iterdir()] == ["file"]
    assert (tmp_path / "outside").read_text() == SECRET


@pytest.mark.parametrize("mode", [0o000, 0o111, 0o333, 0o444, 0o6777])
def test_closed_folders(tmp_path: Path, mode: int) -> None:
    """A folder that strangers of the same user close is opened, looked through, and can be removed."""

    def attack() -> None:
        report = Path("report")
        (report / "second-try/deep").mkdir(parents=True)
        (report / "second-try/deep/pytest.log").symlink_to("/etc/hostname")
        (report / "second-try/secret").touch(mode=0)
        for folder in ("second-try/deep", "second-try", "."):
            (report / folder).chmod(mode)
        take_back(report)
        assert not (report / "second-try/deep/pytest.log").is_symlink()
        assert (report / "second-try/secret").read_text() == ""
        erase(report / "second-try")
        assert list(report.iterdir()) == []

    as_other_user(tmp_path, attack)


def test_folder_of_somebody_else(tmp_path: Path) -> None:
    """A folder that cannot be looked at is an error, and never skipped."""
    (tmp_path / "report/theirs").mkdir(parents=True)

    def attack() -> None:
        with pytest.raises(Failed, match=r"could not take report back from the tests: .* not permitted"):
            take_back(Path("report"))

    if os.geteuid() == 0:
        as_other_user(tmp_path, attack)


def test_too_deep(tmp_path: Path) -> None:
    """Thousands of levels are cut off, so that whoever walks through the folder comes to an end."""
    opened = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=opened)
        below = os.open("d", os.O_RDONLY, dir_fd=opened)
        os.close(opened)
        opened = below
    os.close(opened)
    take_back(tmp_path)
    assert len(list(tmp_path.rglob("d"))) == MOST_LEVELS


@pytest.mark.attack("tests leave a link where the pipeline writes a log", by="the opening without links")
def test_log_that_is_a_link(tmp_path: Path) -> None:
    """No program's output goes through a link, and the error names it."""
    (tmp_path / "profile").write_text(SECRET)
    log = tmp_path / "pytest.log"
    log.symlink_to(tmp_path / "profile")
    with pytest.raises(Failed, match=r"could not greet: cannot open .*pytest\.log"):
        run(["echo", "theirs"], what="greet", timeout_seconds=5, log=log)
    with pytest.raises(Failed, match=r"could not run 'echo theirs': cannot open"):
        logged(["echo", "theirs"], log)
    assert (tmp_path / "profile").read_text() == SECRET
