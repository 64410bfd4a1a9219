"""Record of an environment: switches on the live Service, the rest in the ConfigMap `azora-record`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from azora.core.colors import Color
from azora.core.release.migrations import Migration
from azora.core.release.release import Release

SWITCHES_ANNOTATION = "azora.dev/switches"
HEAD_ANNOTATION = "azora.dev/head"
KEPT = 20

Kind = Literal["first", "promotion", "switch", "rollback", "return"]
BY_HAND = ("switch", "rollback")  # what a person decided is not taken back by a run


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Switch(_Record):
    """One move of the users, written by the very patch that moved them."""

    number: int = Field(ge=1)
    at: datetime
    kind: Kind
    came_from: Color | None
    to: Color
    release: str
    commit: str = ""
    by: str
    approval: str | None = None


class Receipt(_Record):
    """Receipt of a switch: its verdict and the requests counted around it."""

    number: int
    verdict: Literal["good", "bad"]
    reason: str = ""
    total: int = 0
    failed: int = 0
    first_on_new_seconds: float | None = None
    last_on_old_seconds: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None


class StackRecord(_Record):
    """Record of a color: the release that was installed there, and whether it was proved."""

    release: str
    commit: str = ""
    subject: str = ""
    revision: int
    proved_at: datetime | None = None
    cases: int = 0  # end-to-end cases that passed on it while it was the preview
    cases_by: str = ""  # the run that ran them
    migration_heads: tuple[str, ...] = ()
    migrations: tuple[Migration, ...] = ()  # empty in records older than this field
    ports: tuple[dict[str, Any], ...] | None = None  # of the live Service while it serves; None: as they are


class ProofRecord(_Record):
    """A release that passed everything an environment asks of it."""

    release: str
    at: datetime
    run: str
    summary: str = ""

    def counts_at(self, now: datetime, max_age_hours: float) -> bool:
        return now - self.at <= timedelta(hours=max_age_hours)


class Approval(_Record):
    """A person's consent to one plan, by its whole hash. *ended*: how the promotion that used it up ended.

    *shown*: digest of the rendered objects by Helm release; empty in records older than this field.
    """

    id: str
    run: str
    environment: str
    release: str
    plan: str
    approver: str
    reason: str
    at: datetime
    expires_at: datetime
    ended: str = ""
    shown: dict[str, str] = {}


class Replacement(_Record):
    """Newer request that replaced another one: its run and release; *title* is the release for people."""

    run: str
    release: str
    title: str = ""


class Question(_Record):
    """Approval request of a run, readable with Prefect down. *until*: the time when the run stops waiting.

    *began*: when the run began, or its Retry first requested. *replaced*: set, an answer counts no more. *key*, *title* and *began*
    are empty where an older version asked.
    """

    run: str
    release: str
    plan: str
    at: datetime
    until: datetime
    key: str = ""
    title: str = ""
    began: datetime | None = None
    replaced: Replacement | None = None

    @property
    def began_at(self) -> datetime:
        return self.began or self.at


class PreviewRecord(_Record):
    """Newest installation of a preview stack, noted before it begins: color, release, run or person."""

    run: str
    release: str
    color: Color
    at: datetime


class LastRollback(_Record):
    at: datetime
    seconds: float


RELEASES: TypeAdapter[tuple[Release, ...]] = TypeAdapter(tuple[Release, ...])
SWITCHES: TypeAdapter[tuple[Switch, ...]] = TypeAdapter(tuple[Switch, ...])
RECEIPTS: TypeAdapter[tuple[Receipt, ...]] = TypeAdapter(tuple[Receipt, ...])
MIGRATIONS: TypeAdapter[tuple[Migration, ...]] = TypeAdapter(tuple[Migration, ...])
PROOFS: TypeAdapter[tuple[ProofRecord, ...]] = TypeAdapter(tuple[ProofRecord, ...])


def switches_of(annotation: str | None) -> tuple[Switch, ...]:
    return SWITCHES.validate_json(annotation) if annotation else ()


def annotation_of(switches: tuple[Switch, ...]) -> str:
    return SWITCHES.dump_json(switches[-KEPT:]).decode()
