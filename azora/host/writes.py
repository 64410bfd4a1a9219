"""Seam of all writes to other systems: each is announced before it begins and once it is accepted.

Nobody listens in normal life. A test lists the writes of a promotion, or ends the process just before or after one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class System(StrEnum):
    """The other side of a write."""

    KUBERNETES = "Kubernetes"
    HELM = "Helm"
    REGISTRY = "registry"
    PREFECT = "Prefect"
    GIT = "Git mirror"
    FILES = "files"
    NOTICES = "notices"


@dataclass(frozen=True)
class Write:
    """One write: the system, and the request, command or file."""

    system: System
    what: str


Moment = Literal["before", "after"]
Listener = Callable[[Moment, Write], None]
_listeners: list[Listener] = []


@contextmanager
def writing(system: System, what: str) -> Iterator[None]:
    """Announce the write of the block; one that raises has no "after"."""
    write = Write(system, what)
    announce("before", write)
    yield
    announce("after", write)


def writing_if(is_write: bool, system: System, what: str) -> AbstractContextManager[None]:
    """Announce the block as `writing` does where it *is_write*; a read is not announced."""
    return writing(system, what) if is_write else nullcontext()


def announce(moment: Moment, write: Write) -> None:
    """For a write that is no block, as an HTTP client's hooks are."""
    for listener in _listeners:
        listener(moment, write)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call *listener* at each write of the block, in whatever thread it happens."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
