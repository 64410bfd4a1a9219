"""Release: a commit, and everything that was made of it, frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import rfc8785
from pydantic import BaseModel, ConfigDict, Field

from azora.core.messages.foreign_text import line
from azora.core.release.migrations import Migration

LABEL_DIGITS = 40  # a label's value has at most 63 characters, an id has 64
SHOWN_DIGITS = 12
OLD_DIGITS = 12  # an id, as versions before 0.2 recorded it and put it on pods


def canonical(content: object) -> str:
    """Canonical JSON (RFC 8785) of *content*."""
    return rfc8785.dumps(content).decode()  # type: ignore[arg-type]


def digest(content: object) -> str:
    """SHA-256 of the canonical JSON of *content*, in hex."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


class Release(BaseModel):
    """Commit + image digests + chart digest + values digest + migration heads; `id` is the hash of those."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    application: str
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    subject: str = ""
    images: dict[str, str]
    charts_digest: str
    values_digest: str
    migration_heads: tuple[str, ...] = ()
    migrations: tuple[Migration, ...] = ()  # every one of the commit, in order: how it came to the heads

    @property
    def id(self) -> str:
        """64 hex digits that change with anything that could change what users meet."""
        return digest(self.model_dump(mode="json", exclude={"subject", "migrations"}))

    @property
    def label(self) -> str:
        """The id as labels and selectors hold it."""
        return self.id[:LABEL_DIGITS]

    @property
    def short(self) -> str:
        """The commit as people write it."""
        return self.commit[:7]

    @property
    def title(self) -> str:
        """For a line in a log: id, commit and its subject."""
        return f"{shown(self.id)} ({line(f'{self.short} {self.subject}')})"


def shown(id_: str | None) -> str:
    """An id, of a release or of a plan, as people read it."""
    return (id_ or "")[:SHOWN_DIGITS]


def whole_id(recorded: str | None, known: Iterable[str]) -> str | None:
    """The one id among *known* that *recorded*, a label or an id of an older version, is the beginning of.

    Itself where it is whole, and where none or several begin so.
    """
    if recorded is None or len(recorded) not in {OLD_DIGITS, LABEL_DIGITS}:
        return recorded
    found = {id_ for id_ in known if len(id_) > LABEL_DIGITS and id_.startswith(recorded)}
    return found.pop() if len(found) == 1 else recorded
