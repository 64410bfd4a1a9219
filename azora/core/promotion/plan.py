"""Plan: release, environment and present state of the cluster. An approval is bound to its hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from azora.config.environment import Environment
from azora.core.cluster.freeze import Act, Freeze
from azora.core.cluster.overrides import Override
from azora.core.cluster.record import ProofRecord
from azora.core.cluster.state import World
from azora.core.promotion.binding import Bound
from azora.core.release.migrations import Migration, pending
from azora.core.release.release import Release


@dataclass(frozen=True)
class Change:
    """One commit that would reach users, or be taken from them."""

    short: str
    author: str
    subject: str


@dataclass(frozen=True)
class Plan:
    """Everything that would change, frozen at the moment it was shown."""

    environment: str
    release: Release
    active: str | None
    preview: str
    runs_now: str | None
    images: tuple[tuple[str, str, str], ...]
    changes: tuple[Change, ...]
    proof: ProofRecord | None
    ask: str | None
    bound: Bound
    migrations: tuple[Migration, ...] = ()
    lost: tuple[Change, ...] | None = ()  # what runs now has them, the release does not; None: not known
    on_main: bool | None = None  # None: not known
    hosts: tuple[str, str] = ("", "")  # live and preview
    router_changes: bool | None = None  # None: it is not installed yet
    evidence: str = ""  # address of its page
    no_evidence: str = ""  # reason why there is no page
    objects: str = ""  # digest of what would be installed; empty: it was not rendered
    freeze: Freeze | None = None  # in force now
    exception: Act | None = None  # lets this release through
    overrides: tuple[Override, ...] = ()
    authors: tuple[str, ...] = ()  # addresses of those who may not approve, where the environment excludes authors

    @property
    def hash(self) -> str:
        """Hash of the plan; changes with the release, the rules or the active color, not with each reading."""
        return self.bound.hash

    @property
    def keeps_out(self) -> Freeze | None:
        """The freeze in which the promotion does not begin, whatever the answer is."""
        return None if self.exception else self.freeze

    @property
    def is_frozen(self) -> bool:
        return self.keeps_out is not None


def plan_of(
    environment: Environment,
    release: Release,
    world: World,
    bound: Bound,
    *,
    changes: tuple[Change, ...] = (),
    proof: ProofRecord | None = None,
    running: Release | None = None,
    lost: tuple[Change, ...] | None = (),
    on_main: bool | None = None,
    freeze: Freeze | None = None,
    run: str = "",
    authors: tuple[str, ...] = (),
) -> Plan:
    """The plan of *run* for bringing *release* to *environment* as *world* is now; *freeze* is in force."""
    migrations = pending(release, world.serving)
    return Plan(
        environment=environment.name,
        release=release,
        active=world.active,
        preview=world.preview,
        runs_now=_running(world),
        images=_image_changes(release, running.images if running else {}),
        changes=changes,
        proof=proof,
        ask=_ask(environment, migrations),
        bound=bound,
        migrations=migrations,
        lost=lost,
        on_main=on_main,
        authors=authors,
        hosts=(environment.hosts.live, environment.hosts.preview),
        freeze=freeze,
        exception=freeze.exception(release.id, run) if freeze else None,
        overrides=world.overrides,
        router_changes=None if world.router_digest is None else not world.router_digest.startswith(f"{bound.router}/"),
    )


def proof_for(world: World, release: str, now: datetime, max_age_hours: float) -> ProofRecord | None:
    """The proof of *release* that another environment's world holds, when it is young enough."""
    return next((p for p in world.proofs if p.release == release and p.counts_at(now, max_age_hours)), None)


def _ask(environment: Environment, migrations: tuple[Migration, ...]) -> str | None:
    """Time of the approval request: never after a migration ran, since no answer takes that back."""
    if environment.approval is None:
        return None
    return "before_preview" if migrations else environment.approval.ask


def _running(world: World) -> str | None:
    stack = world.active_stack
    return stack.title if stack and stack.release else None


def _image_changes(release: Release, before: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
    """Images that differ: name, digest that runs now (short; empty without one), digest that would run."""
    return tuple(
        (name, _short(before.get(name, "")), _short(reference))
        for name, reference in sorted(release.images.items())
        if before.get(name) != reference
    )


def _short(reference: str) -> str:
    return reference.partition("@sha256:")[2][:12]


def counted(number: int, what: str) -> str:
    """In words: `No new commits`, `1 new commit`, `3 new commits`."""
    return f"{number or 'No'} {what}{'' if number == 1 else 's'}"
