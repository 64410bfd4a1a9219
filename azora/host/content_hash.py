"""Content hash of files and folders: the same for every export of the same content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from azora.errors import BadInput

# Python leaves it beside every module it loads, and Azora loads a commit's migrations: never content.
BYTECODE = "__pycache__"


def digest_of(folder: Path, paths: Iterable[str]) -> str:
    """SHA-256 (hex) of the files at or under *paths* of *folder*: names, executable bits, contents.

    The same for every export of the same content: times, owners, Python's bytecode and the order of *paths* play no part.
    Raises BadInput for a path that is not there.
    """
    files = sorted({file for path in paths for file in files_under(folder, path)})
    digest = hashlib.sha256()
    for name in files:
        digest.update(_entry(folder / name, name))
    return digest.hexdigest()


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
