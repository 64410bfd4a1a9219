"""Waiting for what comes by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(look: Callable[[], Found], *, seconds: float, what: str, every: float = 0.2) -> Found:
    """Return the result of *look*, as soon as it is true.

    *look* is called every *every* seconds. Fails with *what* was waited for.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(every)
    return found


def until_it_is(wanted: Found, look: Callable[[], Found], *, seconds: float, what: str, every: float = 0.2) -> None:
    """Until *look* returns *wanted*. Fails with what it returned last."""
    deadline = time.monotonic() + seconds
    while (found := look()) != wanted and time.monotonic() < deadline:
        time.sleep(every)
    assert found == wanted, f"{what}: not within {seconds:g} s"
