"""Record's log in a namespace: ConfigMaps `azora-log-0001`, …, one key for each entry.

Entries are added by compare-and-swap, so that a run and a command never continue the same entry. An object takes entries until it
is full; the next one continues with the hash of its last entry. A patch sends the new entry alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random

from azora.config.json_object import Json
from azora.core.record.chain import Head
from azora.core.record.entry import Note, hash_of, line_after, number_of
from azora.core.record.events import Event
from azora.errors import BadInput, Conflict
from azora.gateways.kubernetes.namespace import Namespace

NAME = re.compile(r"azora-log-(\d{4,})$")
LABEL = "azora.dev/log"
FULL_BYTES = 128 * 1024  # an entry has at most 16 KiB, an object of Kubernetes 1 MiB
TRIES = 10

First = Callable[[], Event]
Found = TypeVar("Found")


@dataclass
class _Object:
    """One ConfigMap as it was read or written last."""

    number: int
    version: str
    entries: dict[str, str] = field(default_factory=dict)
    closed: bool = False

    @property
    def is_full(self) -> bool:
        return self.closed or sum(len(line.encode()) for line in self.entries.values()) >= FULL_BYTES

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(line for _, line in sorted(self.entries.items()))


class LogStore:
    """Log of *namespace*. The object that was written last is remembered: another entry is one request."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self._path = f"{namespace.core}/configmaps"
        self._last: _Object | None = None

    def lines(self) -> tuple[str, ...]:
        """Every entry, oldest first."""
        found = self.namespace.api.get(self._path, labelSelector=f"{LABEL}=true")["items"]
        ours = (one for one in found if NAME.match(one["metadata"]["name"]))
        objects = sorted(map(_read, ours), key=lambda one: one.number)
        return tuple(line for one in objects for line in one.lines)

    def newest(self) -> tuple[str, ...]:
        """Entries of the newest object, oldest first."""
        self._last = self._look()
        return self._last.lines if self._last else ()

    def find(self, read: Callable[[tuple[str, ...]], Found | None]) -> Found | None:
        """Return the result of *read* on the newest object's entries, or else on all of them."""
        found = read(self.newest())
        if found or self._last is None or self._last.number == 1:
            return found
        return read(self.lines())

    @retry(
        retry=retry_if_exception_type(Conflict), stop=stop_after_attempt(TRIES), wait=wait_random(0, 0.05), reraise=True
    )
    def append(self, added: Note, first: First) -> Head:
        """Add an entry, unless the newest object has it already; a log without any begins with *first*.

        Raises:
            Conflict: others added entries each time.
            BadInput: the last entry cannot be read.
        """
        last, self._last = self._last or self._look(), None
        if last is None:
            last = self._create(1, line_after(None, added.model_copy(update={"event": first(), "why": ""})))
        self._last = self._with(last, added)
        return _head(self._last)

    def _with(self, last: _Object, added: Note) -> _Object:
        """*last*, or the object after it, with the entry in it."""
        if added.is_in(last.lines):
            return last
        try:
            line = line_after(last.lines[-1], added)
        except (ValueError, IndexError) as error:
            raise BadInput(
                f"could not add to the record of {self.namespace.name}: the last entry of {_name(last.number)} cannot be read",
                advice=f"somebody changed it: `azora verify {self.namespace.environment.name}` names the first broken link",
            ) from error
        if last.is_full:
            return self._create(last.number + 1, line)
        changed = {"metadata": {"resourceVersion": last.version}, "data": {_key(line): line}}
        return _read(self.namespace.api.patch(f"{self._path}/{_name(last.number)}", changed))

    def _create(self, number: int, line: str) -> _Object:
        """Raises Conflict where another one made the object."""
        metadata = {"name": _name(number), "labels": {LABEL: "true"}}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {_key(line): line}}
        return _read(self.namespace.api.create(self._path, body))

    def _look(self) -> _Object | None:
        """The newest object; the contents of the older ones are not sent."""
        found = self.namespace.api.metadata(self._path, labelSelector=f"{LABEL}=true")
        numbers = [int(match[1]) for one in found if (match := NAME.match(one["name"]))]
        return _read(self.namespace.api.get(f"{self._path}/{_name(max(numbers))}")) if numbers else None


def _read(found: Json) -> _Object:
    metadata, data = found["metadata"], found.get("data") or {}
    number = int(metadata["name"].rpartition("-")[2])
    return _Object(number, metadata["resourceVersion"], data, bool(found.get("immutable")))


def _name(number: int) -> str:
    return f"azora-log-{number:04}"


def _key(line: str) -> str:
    return f"{number_of(line):08}"


def _head(last: _Object) -> Head:
    line = last.lines[-1]
    return Head(number_of(line), hash_of(line))
