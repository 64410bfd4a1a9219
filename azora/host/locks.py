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
    with _held(file, fcntl.LOCK_EX, what, timeout_seconds):
        yield


@contextmanager
def alongside(file: Path, *, what: str, timeout_seconds: float = 600.0) -> Iterator[None]:
    """Hold a shared lock: several hold it together; only `only_one` waits for all of them."""
    with _held(file, fcntl.LOCK_SH, what, timeout_seconds):
        yield


@contextmanager
def _held(file: Path, kind: int, what: str, timeout_seconds: float) -> Iterator[None]:
    file.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout_seconds
    with file.open("a+") as held:  # NFS wants it readable for a shared lock: flock(2)
        while not _taken(held.fileno(), kind):
            if time.monotonic() > deadline:
                raise NotReadyYet(f"could not {what}: another run has held {file} for more than {timeout_seconds:g} s")
            time.sleep(POLL_SECONDS)
        yield


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
