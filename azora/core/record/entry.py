"""Entry of the record: an event, its number and the hash of the entry before, as one canonical line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from azora.core.record.events import Event
from azora.core.release.release import canonical
from azora.errors import storable

NAME_LETTERS_AT_MOST, REASON_LETTERS_AT_MOST = 200, 2000
NOTHING = "0" * 64  # the hash before the first entry


class Note(BaseModel):
    """An event before it has a place in the record. *who* is a person or a run, *run* a run's id."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: datetime
    who: str
    run: str = ""
    why: str = ""
    event: Event

    def is_in(self, lines: Iterable[str]) -> bool:
        """Return True when *lines* have this event already, so that a repeated request adds nothing."""
        if self.event.repeats:
            return False
        ours = _json(self)
        entries = (parsed(line) or {} for line in lines)
        return any(all(found.get(name) == ours[name] for name in ("event", "run", "who")) for found in entries)


class Entry(Note):
    number: int = Field(ge=1)
    before: str


def note(event: Event, *, at: datetime, who: str, run: str = "", why: str = "") -> Note:
    """An event for the record, with texts of people cut to a length that any object can hold."""
    return Note(
        at=at, who=storable(who, NAME_LETTERS_AT_MOST), run=run, why=storable(why, REASON_LETTERS_AT_MOST), event=event
    )


def line_after(last: str | None, added: Note) -> str:
    """Line of *added* as the entry after the line *last*; None: as the first.

    Raises:
        ValueError: *last* is no entry.
    """
    number = number_of(last) + 1 if last else 1
    return canonical(_json(added) | {"number": number, "before": hash_of(last) if last else NOTHING})


def number_of(line: str) -> int:
    """Number of the entry *line*, of whatever kind. Raises ValueError: it is no entry."""
    return int(str((parsed(line) or {}).get("number")))


def parsed(line: str) -> dict[str, Any] | None:
    """The JSON object of *line*; None where it is none."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def hash_of(line: str) -> str:
    """SHA-256 (hex) of the bytes of *line*: `sha256sum` of the line without its end gives the same."""
    return hashlib.sha256(line.encode()).hexdigest()


def entry_of(line: str) -> Entry:
    return Entry.model_validate_json(line)


def readable(lines: Iterable[str]) -> list[Entry]:
    """Entries of *lines*, without those that somebody changed beyond reading."""
    found = []
    for line in lines:
        with suppress(ValueError):
            found.append(entry_of(line))
    return found


def _json(added: Note) -> dict[str, Any]:
    return added.model_dump(mode="json")
