"""Cache of built programs, shared by every checkout: `~/.cache/azora/<what>-<version>/`."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from azora.host.locks import only_one

BUILD_SECONDS = 3600.0  # a cold build of the node takes ten minutes


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "azora"


def built(name: str, build: Callable[[Path], None]) -> Path:
    """The cache's folder *name*, made by *build* when it is not there: whole or not at all."""
    folder = cache_folder() / name
    if folder.is_dir():
        return folder
    with only_one(cache_folder() / f".{name}.lock", what=f"build {name}", timeout_seconds=BUILD_SECONDS):
        if not folder.is_dir():
            _build(folder, build)
    return folder


def cache_key(files: Iterable[Path], *more: str) -> str:
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
