"""Clean exports of a commit: exactly what was committed, reused while in use."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path

from azora.config.settings import Settings
from azora.gateways.git.mirror import fetch, fetch_commit, git, mirror_of, sha_of
from azora.gateways.git.unpacking import unpack
from azora.host.folders import changed, mark_for_removal, remove_tree
from azora.host.locks import alongside, only_one
from azora.host.writes import System, writing


def export(sha: str, into: Path, settings: Settings) -> Path:
    """Export *sha* to `into/<sha>`, byte by byte; reused when present, fetched when unknown.

    Attributes of the repository (export-ignore, end of line, filters) change nothing. Left out are links that lead out of it.

    Whoever writes in it (a test run's caches) spoils it for others: give each purpose an *into* of its own.
    """
    target = into / sha
    if _marked(target):
        return target
    into.mkdir(parents=True, exist_ok=True)
    mirror = mirror_of(settings)
    if not sha_of(mirror, sha, settings):
        fetch(mirror, settings)
    if not sha_of(mirror, sha, settings):
        fetch_commit(mirror, sha, settings)
    with tempfile.TemporaryDirectory(dir=into, prefix=".export-") as folder:
        archive, content = Path(folder) / "archive.tar", Path(folder) / "content"
        archived = ["archive", "--format=tar", f"--output={archive}", sha]
        git(mirror, archived, f"export commit {sha!r}", settings)
        unpack(archive, content, sha)
        try:
            with writing(System.FILES, str(target)):
                content.rename(target)
        except OSError:
            if not target.is_dir():  # else another run was faster, with the same content
                raise
    return target


def _marked(export: Path) -> bool:
    """Return True when *export* is there, and mark it as used now, so that `remove_export` leaves it."""
    with alongside(_lock(export.parent), what=f"use {export}"):
        if export.is_dir():
            os.utime(export)
        return export.is_dir()


def remove_export(export: Path, unused_since: datetime) -> bool:
    """Remove *export* and return True; one that was used after *unused_since* stays."""
    with only_one(_lock(export.parent), what=f"remove {export}"):
        if export.is_dir() and changed(export.stat()) > unused_since:
            return False
        marked = mark_for_removal(export)
    remove_tree(marked)
    return True


def _lock(into: Path) -> Path:
    return into.with_suffix(".lock")
