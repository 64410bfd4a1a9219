"""Lock files: shared file systems are asked for what they can do, and what a file holds stays."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from azora.host.locks import alongside, only_one

Lock = Callable[[Path], AbstractContextManager[None]]

EVERY_LOCK = pytest.mark.parametrize(
    "lock",
    [
        pytest.param(partial(only_one, what="try"), id="only one"),
        pytest.param(partial(alongside, what="try"), id="alongside"),
    ],
)


def access_modes(file: Path) -> set[int]:
    """Access modes of every descriptor that this process has of *file*."""
    descriptors = [int(link.name) for link in Path("/proc/self/fd").iterdir() if link.exists() and link.samefile(file)]
    return {fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE for descriptor in descriptors}


@EVERY_LOCK
def test_lock_file_with_content(lock: Lock, tmp_path: Path) -> None:
    """A lock keeps the content of its file: a mistaken path loses nothing."""
    file = tmp_path / "some.lock"
    file.write_text("kept")

    with lock(file):
        pass

    assert file.read_text() == "kept"


@EVERY_LOCK
def test_lock_file_s_open_mode(lock: Lock, tmp_path: Path) -> None:
    """NFS locks readable files for sharing, writable ones for exclusion: flock(2)."""
    file = tmp_path / "new/some.lock"

    with lock(file):
        assert access_modes(file) == {os.O_RDWR}
