"""Folders of this machine that pile up: how old and how big each is, and their removal."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from azora.core.retention import Item
from azora.host.writes import System, writing

DOOMED = ".doomed-"


def folders_in(base: Path, below: str = "", *, group: str, by_content: bool) -> list[Item]:
    """Folders of `base/below`, named from *base*, with the time of their newest content or their own.

    Hidden ones, that nobody finished, have no group.
    """
    found = (path for path in (base / below).glob("*") if path.is_dir() and not path.is_symlink())
    folders = sorted(path for path in found if not path.name.startswith(DOOMED))
    return [_item(base, path, group, by_content=by_content) for path in folders]


def remove(folder: Path) -> bool:
    """Rename first, then remove, so that a folder is complete or gone; the next call removes leftovers."""
    remove_tree(mark_for_removal(folder))
    return not folder.exists()


def mark_for_removal(folder: Path) -> Path:
    """*folder* by a name that only its removal knows."""
    marked = folder.with_name(f"{DOOMED}{folder.name}")
    if folder.is_dir():
        with writing(System.FILES, f"rename {folder} to {marked.name}"):
            folder.rename(marked)
    return marked


def remove_tree(folder: Path) -> None:
    """Remove *folder* with all in it, as far as that goes; the next pruning removes the rest."""
    with writing(System.FILES, f"remove {folder}"):
        shutil.rmtree(folder, ignore_errors=True)


def finish_removals(root: Path) -> None:
    """Remove what a killed process was removing."""
    for path in root.glob(f"{DOOMED}*"):
        remove_tree(path)


def changed(status: os.stat_result) -> datetime:
    """Time of the last change, rounded: compare it only with values of this function."""
    return datetime.fromtimestamp(status.st_mtime, UTC)


def _item(base: Path, folder: Path, group: str, *, by_content: bool) -> Item:
    seen = list(_seen(folder))
    at = max(map(changed, seen)) if by_content else changed(seen[0])
    hidden = folder.name.startswith(".")
    size = sum(status.st_size for status in seen[1:])
    return Item(str(folder.relative_to(base)), at, size, "" if hidden else group, frozenset({folder.name}))


def _seen(folder: Path) -> Iterator[os.stat_result]:
    """*folder* itself, then all in it; what goes away meanwhile is left out."""
    yield folder.stat()
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            try:
                yield (Path(parent) / name).lstat()
            except FileNotFoundError:
                continue
