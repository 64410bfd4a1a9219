"""Folders of this machine that pile up: how old and how big each is, and their removal.

Tests of a commit write in some of them: thousands of levels, times of another year, folders without rights.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from azora.core.retention import Item
from azora.errors import Failed
from azora.host.process import run
from azora.host.writes import System, writing

DOOMED = ".doomed-"
REMOVAL_TIMEOUT_SECONDS = 1800.0


def folders_in(base: Path, below: str = "", *, group: str, by_content: bool) -> list[Item]:
    """Folders of `base/below`, named from *base*, with the time of their newest content or their own.

    Hidden ones, that nobody finished, have no group.
    """
    found = (path for path in (base / below).glob("*") if path.is_dir() and not path.is_symlink())
    folders = sorted(path for path in found if not path.name.startswith(DOOMED))
    items = (_item(base, path, group, by_content=by_content) for path in folders)
    return [item for item in items if item]


def remove(folder: Path) -> bool:
    """Rename first, then remove, so that a folder is complete or gone; the next call removes leftovers."""
    remove_tree(mark_for_removal(folder))
    return not folder.exists()


def mark_for_removal(folder: Path) -> Path:
    """*folder* by a name that only its removal knows."""
    marked = folder.with_name(f"{DOOMED}{folder.name}")
    if folder.is_dir():
        erase(marked)  # an earlier one that could not be removed
        with writing(System.FILES, f"rename {folder} to {marked.name}"):
            folder.rename(marked)
    return marked


def remove_tree(folder: Path) -> None:
    """Remove *folder* with all in it. Raises Failed for what stays; the next pruning tries again."""
    with writing(System.FILES, f"remove {folder}"):
        erase(folder)


def erase(path: Path) -> None:
    """Remove the file or folder *path*, of any depth; one that is not there is removed already.

    By `rm`, which needs no call and no descriptor for each level. Raises Failed for what stays.
    """
    what = f"remove {path}"
    command = ["rm", "-rf", "--", str(path)]
    done = run(command, timeout_seconds=REMOVAL_TIMEOUT_SECONDS, what=what)
    if done.returncode:  # folders that their owner may not write, as Go's module cache has them
        run(["chmod", "-R", "u+rwX", "--", str(path)], timeout_seconds=REMOVAL_TIMEOUT_SECONDS, what=what)
        done = run(command, timeout_seconds=REMOVAL_TIMEOUT_SECONDS, what=what)
    if done.returncode:
        raise Failed(f"could not {what}: {done.tail(3)[-500:]}", advice="remove it by hand, as its owner or root")


def finish_removals(root: Path) -> list[str]:
    """Remove what a killed process was removing, and return the errors."""
    troubles = []
    for path in root.glob(f"{DOOMED}*"):
        try:
            remove_tree(path)
        except Failed as error:
            troubles.append(error.message)
    return troubles


def changed(status: os.stat_result) -> datetime:
    """Time of the last change, rounded: compare it only with values of this function.

    Whoever owns a file sets its time of modification as they like, and the system the other one: a file is as old as
    the older of both.
    """
    return datetime.fromtimestamp(min(status.st_mtime, status.st_ctime), UTC)


def _item(base: Path, folder: Path, group: str, *, by_content: bool) -> Item | None:
    """*folder* as far as it can be looked at; None where it is gone."""
    try:
        own = folder.stat()
    except FileNotFoundError:
        return None
    at, size = changed(own), 0
    for status in _inside(folder):
        size += status.st_size
        at = max(at, changed(status)) if by_content else at
    hidden = folder.name.startswith(".")
    return Item(str(folder.relative_to(base)), at, size, "" if hidden else group, frozenset({folder.name}))


def _inside(folder: Path) -> Iterator[os.stat_result]:
    """Status of all in *folder*, of any depth; what goes away meanwhile or cannot be read is left out."""
    waiting = [os.fspath(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
