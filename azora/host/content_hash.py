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
    digest = hashlib.sha256()
    for name in covered(folder, paths, follow=follow):
        digest.update(entry(folder / name, name))
    return digest.hexdigest()


def covered(folder: Path, paths: Iterable[str], *, follow: bool = False) -> list[str]:
    """Files and links that `digest_of` reads for the same arguments, relative to *folder*."""
    files: set[str] = set()
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        links, end = _followed(folder, path) if follow else ([], path)
        new = {*links, *files_under(folder, end)} - files
        files |= new
        waiting += [name for name in new if follow and (folder / name).is_symlink()]
    return sorted(files)


def _followed(folder: Path, path: str) -> tuple[list[str], str]:
    """Links on the way to *path*, and their end; none, and *path*, where that is not in *folder*."""
    root = Path(os.path.realpath(folder))
    if not (root / path).exists():
        return [], path
    links, end = list(_links_to(root / path)), Path(os.path.realpath(root / path))
    if not (links and all(one.is_relative_to(root) for one in (*links, end))):
        return [], path
    return [str(one.relative_to(root)) for one in links], str(end.relative_to(root))


def _links_to(path: Path) -> Iterator[Path]:
    """Links that the kernel reads on the way to the end of *path*, which is no circle."""
    here, parts = Path("/"), [*reversed(path.parts[1:])]
    while parts:
        part = parts.pop()
        here = here.parent if part == ".." else here / part
        if here.is_symlink():
            yield here
            target = here.readlink()
            parts += reversed(target.parts[1:] if target.is_absolute() else target.parts)
            here = Path("/") if target.is_absolute() else here.parent


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


def entry(file: Path, name: str) -> bytes:
    """Line of the digest for *file*, called *name*."""
    if file.is_symlink():
        kind, content = "link", os.fsencode(file.readlink())
    else:
        kind = "program" if file.stat().st_mode & 0o100 else "file"
        content = file.read_bytes()
    return f"{kind} {name}\0{hashlib.sha256(content).hexdigest()}\n".encode(errors="surrogateescape")
