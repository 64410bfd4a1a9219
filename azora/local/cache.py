"""What is built once and shared by every checkout: `~/.cache/azora/<what>-<version>/`."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "azora"


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold *file* so that nobody else does the same at the same time; let go by the kernel when this process dies."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def built(name: str, build: Callable[[Path], None]) -> Path:
    """The cache's folder *name*, made by *build* when it is not there: whole or not at all."""
    folder = cache_folder() / name
    if folder.is_dir():
        return folder
    with locked(cache_folder() / f".{name}.lock"):
        if not folder.is_dir():
            _build(folder, build)
    return folder


def digest_of(files: Iterable[Path], *more: str) -> str:
    """Twelve hexadecimal digits over names and contents of *files*, wherever they are, and *more*."""
    whole = hashlib.sha256("\0".join(more).encode())
    for file in sorted(files, key=lambda file: file.name):
        whole.update(f"\0{file.name}\0".encode() + file.read_bytes())
    return whole.hexdigest()[:12]


def _build(folder: Path, build: Callable[[Path], None]) -> None:
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    build(unfinished)
    unfinished.rename(folder)
