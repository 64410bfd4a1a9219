"""Facts of one approval request, gathered before its page is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from azora.core.checks.result_entry import CaseEntry
from azora.core.cluster.record import LastRollback, Receipt, Switch
from azora.core.promotion.plan import Plan
from azora.core.promotion.risks import Seen
from azora.core.release.object_changes import ObjectChange


@dataclass(frozen=True)
class Compared:
    """Objects of one Helm release: what would run, compared with what Helm installed last.

    *changes* is None where they could not be compared. *is_new*: Helm has installed nothing of that name.
    """

    release: str
    changes: tuple[ObjectChange, ...] | None
    is_new: bool = False


@dataclass(frozen=True)
class Replicas:
    """Pods of one service: those that are wanted and ready now, and those after the promotion."""

    service: str
    now: int
    ready: int
    then: int


@dataclass(frozen=True)
class Suite:
    """Result of one suite, with its cases and the addresses of its reports by name."""

    title: str
    ok: bool
    summary: str
    cases: tuple[CaseEntry, ...] = ()
    more_cases: int = 0
    reports: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Stage:
    """Switch by which the stage's users got this release, and its receipt."""

    environment: str
    switch: Switch
    receipt: Receipt | None


@dataclass(frozen=True)
class Evidence:
    """Content of the page.

    *changed*: how the plan differs from the run's request before. *until*: its deadline. *approvers*: who may approve, where
    the cluster knows them; empty where the run's form approves.
    """

    plan: Plan
    at: datetime
    run_page: str
    command: str
    until: datetime
    approvers: str = ""
    seen: Seen = field(default_factory=Seen)
    changed: tuple[str, ...] = ()
    objects: tuple[Compared, ...] = ()
    replicas: tuple[Replicas, ...] = ()
    suites: tuple[Suite, ...] = ()
    stage: Stage | None = None
    rollback: LastRollback | None = None
