"""Everything that a server gives page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

PAGE = 200  # Prefect's server gives no more at once
MOST = 10_000  # things that are read in one go

Thing = TypeVar("Thing")


def every(read: Callable[..., list[Thing]], **which: object) -> Iterator[Thing]:
    """Items of *read* (`limit`, `offset`), each once, also when one moves to the next page meanwhile."""
    seen: set[Any] = set()
    for offset in range(0, MOST, PAGE):
        found = read(limit=PAGE, offset=offset, **which)
        for thing in found:
            if (id_ := getattr(thing, "id", None)) not in seen:
                seen.add(id_)
                yield thing
        if len(found) < PAGE:
            return
