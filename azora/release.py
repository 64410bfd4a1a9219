"""What is released: a commit, and everything that was made of it, frozen."""

from __future__ import annotations

import hashlib

import rfc8785
from pydantic import BaseModel, ConfigDict, Field

from azora.migrations import Migration


def digest(content: object) -> str:
    """SHA-256 of the canonical JSON (RFC 8785) of *content*, in hex."""
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()  # type: ignore[arg-type]


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
        """Twelve hex digits that change with anything that could change what users meet."""
        return digest(self.model_dump(mode="json", exclude={"subject", "migrations"}))[:12]

    @property
    def short(self) -> str:
        """The commit as people write it."""
        return self.commit[:7]

    @property
    def title(self) -> str:
        """For a line in a log: id, commit and its subject."""
        return f"{self.id} ({self.short} {self.subject})"
