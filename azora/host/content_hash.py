"""Content hash of files and folders: the same for every export of the same content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from azora.errors import BadInput

# Python leaves it beside every module it loads, and Azora loads a commit's migrations: never content.
BYTECODE = "__pycache__"


def digest_of(folder: Path, paths: Iterable[str], *, follow: bool = False) -> str:
    """SHA-256 (hex) of the files at or under *paths* of *folder*: names, executable bits, contents.

    The same for every export of the same content: times, owners, Python's bytecode and the order of *paths* play no part.
    *follow*: what links lead to in *folder* is part of it, as for whoever reads through them. Raises BadInput for a path that is
    not there.
    """
    files: set[str] = set()
    waiting = list(paths)
    while waiting:
        new = set(files_under(folder, waiting.pop())) - files
        files |= new
        if follow:
            waiting += (target for name in new if (target := _target(folder, folder / name)))
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(_entry(folder / name, name))
    return digest.hexdigest()


def _target(folder: Path, file: Path) -> str | None:
    """Target of the link *file* in *folder*; None for no link, and for one that leads nowhere or out."""
    if not file.is_symlink():
        return None
    target, root = Path(os.path.realpath(file)), Path(os.path.realpath(folder))
    return str(target.relative_to(root)) if target.exists() and target.is_relative_to(root) else None


def files_under(folder: Path, path: str) -> Iterator[str]:
    """Files at or under *path*, relative to *folder*, with links.

    Raises BadInput for a path that does not exist.
    """
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
