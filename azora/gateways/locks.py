"""One process at a time on this machine, by a lock that the kernel drops when its holder dies."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from azora.errors import NotReadyYet

POLL_SECONDS = 0.05


@contextmanager
def only_one(file: Path, *, what: str, timeout_seconds: float = 600.0) -> Iterator[None]:
    """Hold *file* as a lock; threads and processes wait for each other. Raises NotReadyYet at the limit."""
    file.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout_seconds
    with file.open("w") as held:
        while not _taken(held.fileno()):
            if time.monotonic() > deadline:
                raise NotReadyYet(f"could not {what}: another run holds {file} for {timeout_seconds:g} s already")
            time.sleep(POLL_SECONDS)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
