"""Files below a folder that strangers write to: opened part by part, so that no link is ever followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_OPTIONS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def parts_of(path: str) -> list[str] | None:
    """Parts of a request's path; None where one of them is hidden, `..` or no name."""
    parts = path.strip("/").split("/") if path.strip("/") else []
    good = all(part and not part.startswith(".") and "\0" not in part for part in parts)
    return parts if good else None


def open_plain(root: Path, parts: list[str]) -> int | None:
    """Descriptor of the plain file or folder at *parts* below *root*; None where there is none."""
    found = os.open(root, _OPTIONS)
    for part in parts:
        try:
            below = os.open(part, _OPTIONS, dir_fd=found)
        except (OSError, ValueError):
            return None
        finally:
            os.close(found)
        found = below
    if is_folder(found) or stat.S_ISREG(os.fstat(found).st_mode):
        return found
    os.close(found)
    return None


def is_folder(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


@contextmanager
def opened_plain(root: Path, parts: list[str]) -> Iterator[int | None]:
    """Open as `open_plain` does, and close at the end of the block."""
    descriptor = open_plain(root, parts)
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def entries_of(folder: int) -> list[tuple[str, os.stat_result]]:
    """Files and folders in *folder*, newest first, without links and hidden ones."""
    found = []
    for name in os.listdir(folder):
        with suppress(FileNotFoundError):
            seen = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if not name.startswith(".") and (stat.S_ISDIR(seen.st_mode) or stat.S_ISREG(seen.st_mode)):
                found.append((name, seen))
    return sorted(found, key=lambda one: one[1].st_mtime, reverse=True)
