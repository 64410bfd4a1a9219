"""The application's repository: which commit a ref is, its content and nothing else, what came since another one."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from azora.core.promotion.plan import Change
from azora.errors import AzoraError, BadInput
from azora.gateways.git.mirror import fetch, fetch_commit, git, is_ancestor, mirror_of, sha_of
from azora.host.folders import changed, doom
from azora.host.locks import alongside, only_one

# Python leaves it beside every module it loads, and Azora loads a commit's migrations: never content.
BYTECODE = "__pycache__"

_FIELDS = ("%H", "%s", "%an", "%ae")
MOST_LETTERS = 500  # in the cluster's record, which is small, are the subjects of many releases

_FULL = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Commit:
    """One commit. Subject and author may hold anything, also what was no UTF-8; of each, `MOST_LETTERS` are kept."""

    sha: str
    short: str
    subject: str
    author_name: str
    author_email: str


def resolve(repository: str, ref: str) -> Commit:
    """The commit that *ref* (branch, tag or commit id) is now in *repository* (a path or a URL).

    A branch is preferred to a tag of its name. A full commit id that is known already needs no network. Raises BadInput
    for an unknown ref or repository, Unreachable where the network is at fault. A full commit id is found also where no branch has
    it any more.
    """
    mirror = mirror_of(repository)
    if not (_FULL.fullmatch(ref) and sha_of(mirror, ref)):
        fetch(repository, mirror)
    if _FULL.fullmatch(ref) and not sha_of(mirror, ref):
        with suppress(BadInput):  # said below
            fetch_commit(repository, mirror, ref)
    for candidate in (f"refs/heads/{ref}", f"refs/tags/{ref}", ref):
        if ref and ref != "HEAD" and (sha := sha_of(mirror, candidate)):
            return _commits(mirror, ["-1", sha])[0]
    raise BadInput(
        f"could not find {ref!r} in {repository!r}: it is no branch, tag or commit there",
        advice="check the spelling, and that it was pushed",
    )


def export(repository: str, sha: str, into: Path) -> Path:
    """`into/<sha>`: exactly what was committed as *sha*; reused when it is there, fetched when this machine does not know it yet.

    Whoever writes in it (a test run's caches) spoils it for others: give each purpose an *into* of its own.
    """
    target = into / sha
    if _marked(target):
        return target
    into.mkdir(parents=True, exist_ok=True)
    mirror = mirror_of(repository)
    if not sha_of(mirror, sha):
        fetch(repository, mirror)
    if not sha_of(mirror, sha):
        fetch_commit(repository, mirror, sha)
    with tempfile.TemporaryDirectory(dir=into, prefix=".export-") as folder:
        archive, content = Path(folder) / "archive.tar", Path(folder) / "content"
        git(mirror, ["archive", "--format=tar", f"--output={archive}", sha], f"export commit {sha!r}")
        with tarfile.open(archive) as tar:
            _extract(tar, content)
        try:
            content.rename(target)
        except OSError:
            if not target.is_dir():  # else another run was faster, with the same content
                raise
    return target


def _marked(export: Path) -> bool:
    """Whether *export* is there; then it was used now, which keeps `remove_export` from it."""
    with alongside(_lock(export.parent), what=f"use {export}"):
        if export.is_dir():
            os.utime(export)
        return export.is_dir()


def remove_export(export: Path, unused_since: datetime) -> bool:
    """Whether *export* is gone: one that was used after *unused_since* stays."""
    with only_one(_lock(export.parent), what=f"remove {export}"):
        if export.is_dir() and changed(export.stat()) > unused_since:
            return False
        doomed = doom(export)
    shutil.rmtree(doomed, ignore_errors=True)
    return True


def _lock(into: Path) -> Path:
    return into.with_suffix(".lock")


def commits_between(repository: str, old: str | None, new: str) -> list[Commit]:
    """Commits of *new* that *old* does not have, newest first.

    All of *new* for None, and for an *old* that the repository no longer has (a rewritten history): who may not approve
    is read from this list, so it is rather too long than too short.
    """
    mirror = mirror_of(repository)
    known = old and sha_of(mirror, old)
    return _commits(mirror, [f"{known}..{new}" if known else new])


def changes_between(repository: str, old: str | None, new: str) -> tuple[Change, ...]:
    """As `commits_between`, as people are shown them."""
    commits = commits_between(repository, old, new)
    return tuple(Change(commit.short, commit.author_name, commit.subject) for commit in commits)


def is_known(repository: str, sha: str) -> bool:
    """Whether *repository* still has the commit, on a branch or not; False also where it does not answer."""
    mirror = mirror_of(repository)
    if not sha_of(mirror, sha):
        with suppress(AzoraError):
            fetch_commit(repository, mirror, sha)
    return bool(sha_of(mirror, sha))


def is_on(repository: str, branch: str, sha: str) -> bool | None:
    """Whether *branch* has the commit now; None where the repository does not answer, or has no such branch."""
    mirror = mirror_of(repository)
    try:
        fetch(repository, mirror)
    except AzoraError:
        return None
    head = sha_of(mirror, f"refs/heads/{branch}")
    return is_ancestor(mirror, sha, head) if head else None


def digest_of(folder: Path, paths: Iterable[str]) -> str:
    """SHA-256 (hex) of the files at or under *paths* of *folder*: relative names, executable bits and contents.

    The same for every export of the same content: times, owners, Python's bytecode and the order of *paths* play no part.
    Raises BadInput for a path that is not there.
    """
    files = sorted({file for path in paths for file in files_under(folder, path)})
    digest = hashlib.sha256()
    for name in files:
        digest.update(_entry(folder / name, name))
    return digest.hexdigest()


def files_under(folder: Path, path: str) -> Iterator[str]:
    """The files at or under *path* of *folder*, relative to *folder*, links too. Raises BadInput for a path that is not there."""
    start = folder / path
    if start.is_file() or start.is_symlink():
        yield path
    elif start.is_dir():
        for parent, folders, files in os.walk(start):
            folders[:] = [name for name in folders if name != BYTECODE]
            links = [name for name in folders if (Path(parent) / name).is_symlink()]
            yield from (str((Path(parent) / name).relative_to(folder)) for name in [*files, *links])
    else:
        raise BadInput(
            f"could not read {path!r}: it is not in this commit", advice="commit it or correct application.yaml"
        )


def _entry(file: Path, name: str) -> bytes:
    if file.is_symlink():
        kind, content = "link", os.fsencode(file.readlink())
    else:
        kind = "program" if file.stat().st_mode & 0o100 else "file"
        content = file.read_bytes()
    return f"{kind} {name}\0{hashlib.sha256(content).hexdigest()}\n".encode(errors="surrogateescape")


def _extract(tar: tarfile.TarFile, into: Path) -> None:
    try:
        tar.extractall(into, filter="data")
    except tarfile.FilterError as error:
        raise BadInput(
            f"could not export the commit: {error}", advice="no link may lead out of the repository"
        ) from None


def _commits(mirror: Path, selection: list[str]) -> list[Commit]:
    # NUL alone is in no commit. A configuration that shows signatures would put them between.
    form = ["-z", "--encoding=UTF-8", "--no-show-signature", f"--format={'%x00'.join(_FIELDS)}"]
    said = git(mirror, ["log", *form, *selection, "--"], f"list commits of {selection[-1]!r}")
    fields = iter(part[:MOST_LETTERS] for part in said.split("\0")[:-1])
    rows = zip(*[fields] * len(_FIELDS), strict=True)
    return [Commit(sha, sha[:7], subject, name, email) for sha, subject, name, email in rows]
