"""Unpacking of an archive of Git: a commit is a stranger's, and is written nowhere else.

Folders and files come first, into a new folder without any link. Links come last.
"""

from __future__ import annotations

import errno
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from azora.errors import BadInput
from azora.gateways.git.links import leading_out

MOST_LEVELS = 100
_AT_ONCE = 1 << 20
_ODD_TREE = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ENOENT, errno.EINVAL}


def unpack(archive: Path, into: Path, commit: str) -> None:
    """Write the folders, files and links of *archive* to the new folder *into*.

    The folder may be moved afterwards. Links that lead out of it are left out. Raises BadInput for a tree that no folder can be.
    """
    links: dict[str, str] = {}
    with tarfile.open(archive) as tar, _one_tree(commit):
        into.mkdir()
        into.chmod(0o755)
        for member in tar:
            path = _inside(member.name, commit)
            _make(into, path.rpartition("/")[0])
            if member.issym():
                links[path] = member.linkname
            elif member.isdir():
                _make(into, path)
            else:
                _write(tar, member, into / path)
        for path, target in links.items():
            with suppress(FileNotFoundError):  # an empty target, which leads nowhere
                (into / path).symlink_to(target)
        for path in leading_out(links):
            (into / path).unlink()


def _inside(name: str, commit: str) -> str:
    """Path of a member below the export; Git's own tools make no other, a tree written by hand has them."""
    parts = name.split("/")
    if not {"", ".", ".."} & set(parts) and len(parts) <= MOST_LEVELS:
        return name
    why = f"it has more than {MOST_LEVELS} levels of folders" if len(parts) > MOST_LEVELS else "it is no path"
    raise BadInput(
        f"could not export commit {commit[:12]}: {name[:200]!r} is in it, and {why}",
        advice="release a commit without it",
    )


def _make(into: Path, folder: str) -> None:
    """Make *folder* and those above it, readable for tests whatever the worker's umask is."""
    path = into / folder
    if not path.is_dir():
        _make(into, folder.rpartition("/")[0])
        path.mkdir()
        path.chmod(0o755)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    with place.open("xb") as file:
        if content := tar.extractfile(member):
            shutil.copyfileobj(content, file, _AT_ONCE)
        os.fchmod(file.fileno(), 0o755 if member.mode & 0o100 else 0o644)
    with suppress(OSError, OverflowError):  # a commit of the year 300000
        os.utime(place, (member.mtime, member.mtime))


@contextmanager
def _one_tree(commit: str) -> Iterator[None]:
    """Raise BadInput for a tree that has a name twice, or one that is too long."""
    try:
        yield
    except OSError as error:
        if error.errno not in _ODD_TREE:
            raise
        raise BadInput(
            f"could not export commit {commit[:12]}: no folder can hold what is in it: {error.strerror}: {Path(error.filename or '').name[:200]!r}",
            advice="release a commit whose names are different, and at most 255 bytes long",
        ) from None
