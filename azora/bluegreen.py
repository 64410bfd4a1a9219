"""The promotion, level-triggered: look at the world, say the one next step.

Every step may be repeated without harm. Nothing else remembers how far a promotion came, so that one killed anywhere
goes on where it was when it is started again. docs/bluegreen.md numbers the events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from azora.colors import Color
from azora.migrations import Code, Migration, pending, together
from azora.record import Approval, ProofRecord, Receipt, StackRecord, Switch
from azora.release import digest


class Step(StrEnum):
    """What can be next, in the order of the road."""

    ASK = "ask for the approval"
    REPAIR = "repair a half-done Helm release"
    INSTALL_DATA = "install the databases"
    INSTALL_PREVIEW = "install the preview stack"
    AWAIT_READY = "wait until every pod is ready"
    PROVE = "prove the preview"
    INSTALL_ROUTER = "open the front door"
    SWITCH = "switch users over"
    WATCH = "watch the new color"
    BOOK = "book the switch in Helm"


@dataclass(frozen=True)
class Stack:
    """One color as the cluster shows it. Counts are pods."""

    color: Color
    release: str | None = None
    helm: str | None = None
    revision: int = 0
    wanted: dict[str, int] = field(default_factory=dict)
    ready: dict[str, int] = field(default_factory=dict)
    images: frozenset[str] = frozenset()
    record: StackRecord | None = None

    @property
    def is_ready(self) -> bool:
        """Every Deployment wants at least one pod and has all it wants, ready and up to date."""
        return bool(self.wanted) and all(n > 0 and self.ready.get(name, 0) >= n for name, n in self.wanted.items())

    @property
    def known(self) -> StackRecord | None:
        """The record, where it is one of what is installed now."""
        return self.record if self.record and self.record.release == self.release else None

    @property
    def is_proved(self) -> bool:
        """The release that is installed now is the one that passed its checks here."""
        return self.known is not None and self.known.proved_at is not None

    def is_at_size(self, least: dict[str, int]) -> bool:
        return all(self.wanted.get(name, 0) >= count for name, count in least.items() if name in self.wanted)


@dataclass(frozen=True)
class World:
    """What a namespace holds now. `service_version` is the live Service's resourceVersion, for compare-and-swap.

    `migrating` are migrations of installs that began and did not end well: they ran, or did not.
    """

    active: Color | None = None
    preview_points_at: Color | None = None
    service_version: str | None = None
    router_helm: str | None = None
    pending: tuple[str, ...] = ()
    stacks: dict[Color, Stack] = field(default_factory=dict)
    switches: tuple[Switch, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    approvals: tuple[Approval, ...] = ()
    data_digest: str | None = None
    router_digest: str | None = None
    proofs: tuple[ProofRecord, ...] = ()
    migrating: tuple[Migration, ...] = ()

    def stack(self, color: Color) -> Stack:
        return self.stacks.get(color, Stack(color))

    @property
    def active_stack(self) -> Stack | None:
        return self.stack(self.active) if self.active else None

    @property
    def serving(self) -> StackRecord | None:
        """What is known of the code that serves users."""
        return self.active_stack.known if self.active_stack else None

    @property
    def ran(self) -> tuple[Migration, ...]:
        """Migrations that the database holds: an install that ended well ran those of its release."""
        records = [stack.record for stack in self.stacks.values() if stack.record]
        return together(*(record.migrations for record in records))

    @property
    def preview(self) -> Color:
        return self.active.other if self.active else Color.BLUE

    @property
    def last_switch(self) -> Switch | None:
        return self.switches[-1] if self.switches else None

    def receipt_of(self, number: int) -> Receipt | None:
        return next((receipt for receipt in self.receipts if receipt.number == number), None)

    @property
    def bound(self) -> str:
        """What an approval holds on to: who serves users now, and how it came to be."""
        active = self.active_stack
        return digest(
            {
                "active": self.active,
                "release": active.release if active else None,
                "switch": self.last_switch.number if self.last_switch else 0,
            }
        )[:16]


@dataclass(frozen=True)
class Wanted:
    """What a promotion is after. `data_digest` None: the environment brings its own databases.

    `code` is the release, for its migrations.
    """

    release: str
    run: str
    approval_needed: bool
    ask_after_preview: bool
    data_digest: str | None
    router_digest: str
    code: Code | None = None


def runs(world: World, release: str) -> bool:
    """Whether *release* is what users reach."""
    return world.active is not None and world.stack(world.active).release == release


def approved(world: World, wanted: Wanted, now: datetime) -> bool:
    """Whether a yes of this run holds for what the world looks like, and was not used yet."""
    used = {switch.approval for switch in world.switches}
    return any(
        yes.run == wanted.run
        and yes.release == wanted.release
        and yes.bound_to == world.bound
        and now < yes.expires_at
        and yes.id not in used
        for yes in world.approvals
    )


def next_step(world: World, wanted: Wanted, now: datetime) -> Step | None:  # noqa: PLR0911 - one line per step is the table
    """The one next step towards *wanted*; None when there is nothing left to do."""
    if runs(world, wanted.release):
        return _after_the_switch(world, wanted)
    must_ask = wanted.approval_needed and not approved(world, wanted, now)
    migrates = wanted.code is not None and bool(pending(wanted.code, world.serving))
    if must_ask and (migrates or not wanted.ask_after_preview):
        return Step.ASK
    if world.pending:
        return Step.REPAIR
    if wanted.data_digest and world.data_digest != wanted.data_digest:
        return Step.INSTALL_DATA
    preview = world.stack(world.preview)
    size = world.active_stack.wanted if world.active_stack else {}
    if preview.release != wanted.release or preview.helm != "deployed" or not preview.is_at_size(size):
        return Step.INSTALL_PREVIEW
    if not preview.is_ready:
        return Step.AWAIT_READY
    if world.active is None:
        return Step.ASK if must_ask else Step.INSTALL_ROUTER
    if not preview.is_proved:
        return Step.PROVE
    return Step.ASK if must_ask else Step.SWITCH


def _after_the_switch(world: World, wanted: Wanted) -> Step | None:
    last = world.last_switch
    if last is None or last.release != wanted.release or last.to != world.active:
        return Step.SWITCH
    if world.pending:
        return Step.REPAIR
    receipt = world.receipt_of(last.number)
    if receipt is None or receipt.verdict == "bad":
        return Step.WATCH
    if world.preview_points_at == world.active or world.router_helm != "deployed":
        return Step.BOOK
    if world.router_digest != f"{wanted.router_digest}/{world.active}":
        return Step.BOOK
    return None
