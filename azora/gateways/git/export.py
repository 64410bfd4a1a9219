"""Clean exports of a commit: exactly what was committed, reused while in use."""

from __future__ import annotations

import os
import tarfile
import tempfile
from datetime import datetime
from pathlib import Path

from azora.config.settings import Settings
from azora.gateways.git.mirror import fetch, fetch_commit, git, mirror_of, sha_of
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
        with tarfile.open(archive) as tar:
            content.mkdir()
            content.chmod(0o755)
            tar.extractall(content, filter=_inside)  # noqa: S202 - which calls the filter "data"
        _remove_leading_out(content)
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


def _remove_leading_out(content: Path) -> None:
    """Remove links that lead out of *content* by way of others.

    The filter judged them before those were there.
    """
    root = content.resolve()
    paths = (Path(parent, name) for parent, folders, files in os.walk(content) for name in (*folders, *files))
    for link in [path for path in paths if path.is_symlink() and not _leads_to(path).is_relative_to(root)]:
        link.unlink()


def _leads_to(link: Path) -> Path:
    """Path where *link* ends; of a circle, the root of the machine."""
    try:
        return link.resolve()
    except (RuntimeError, OSError):
        return Path("/")


def _inside(member: tarfile.TarInfo, into: str) -> tarfile.TarInfo | None:
    """*member*, or None for a link that leads out of the repository: `entries` still has it."""
    try:
        kept = tarfile.data_filter(member, into)
        return kept.replace(mode=0o755) if kept.isdir() else kept  # whatever the worker's umask is, tests may read it
    except (tarfile.AbsoluteLinkError, tarfile.LinkOutsideDestinationError):
        return None
