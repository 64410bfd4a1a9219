"""State of an environment as the cluster shows it, and what follows from that alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from azora.core.cluster.freeze import Acts
from azora.core.cluster.overrides import Override
from azora.core.cluster.record import Approval, Kind, LastRollback, ProofRecord, Question, Receipt, StackRecord, Switch
from azora.core.cluster.run_counts import RunCounts
from azora.core.colors import Color
from azora.core.messages.foreign_text import line
from azora.core.release.migrations import Migration, together
from azora.core.release.release import shown


@dataclass(frozen=True)
class Stack:
    """One color in the cluster.

    Counts are pods; `label` is the release label of its pods.
    """

    color: Color
    release: str | None = None
    helm: str | None = None
    revision: int = 0
    wanted: dict[str, int] = field(default_factory=dict)
    ready: dict[str, int] = field(default_factory=dict)
    images: frozenset[str] = frozenset()
    record: StackRecord | None = None
    label: str | None = None

    @property
    def is_ready(self) -> bool:
        """Every Deployment wants at least one pod and has all it wants, ready and up to date."""
        return bool(self.wanted) and all(n > 0 and self.ready.get(name, 0) >= n for name, n in self.wanted.items())

    @property
    def known(self) -> StackRecord | None:
        """The record, where it is one of what is installed now."""
        return self.record if self.record and self.record.release == self.release else None

    @property
    def is_half_installed(self) -> bool:
        """Its pods are of another release than the record has for the very revision that Helm deployed last.

        So a Helm was killed after it had changed some of the objects: hooks and other kinds may be missing.
        """
        record = self.record
        return record is not None and record.revision == self.revision and record.release != self.release

    @property
    def is_proved(self) -> bool:
        """The release that is installed now is the one that passed its checks here."""
        return self.known is not None and self.known.proved_at is not None

    @property
    def title(self) -> str:
        """Its release for a line of text: id, and where it is known commit and subject."""
        record, id_ = self.known, shown(self.release) or "None"
        return f"{id_} ({line(f'{record.commit[:7]} {record.subject}')})" if record and record.commit else id_

    def is_at_size(self, least: dict[str, int]) -> bool:
        return all(self.wanted.get(name, 0) >= count for name, count in least.items() if name in self.wanted)


@dataclass(frozen=True)
class World:
    """State of a namespace.

    `service_version` is the live Service's resourceVersion, for compare-and-swap. `active` and `selected_release` are what
    its selector names (the release: None in one of an older version).

    `helm_is_known` is False for a user who may not read Helm's Secrets: no step of a promotion may follow from such a world.

    `migrating` are migrations of installs that began and did not end well: they ran, or did not. The last three are told to who
    watches; no step follows from them, and a world that differs in them alone is the same.
    """

    active: Color | None = None
    selected_release: str | None = None
    preview_points_at: Color | None = None
    service_version: str | None = None
    router_helm: str | None = None
    helm_is_known: bool = True
    pending: tuple[str, ...] = ()
    stacks: dict[Color, Stack] = field(default_factory=dict)
    switches: tuple[Switch, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    approvals: tuple[Approval, ...] = ()
    approval_since: datetime | None = None
    data_digest: str | None = None
    router_digest: str | None = None
    proofs: tuple[ProofRecord, ...] = ()
    migrating: tuple[Migration, ...] = ()
    freezes: Acts = field(default_factory=Acts)
    overrides: tuple[Override, ...] = ()
    questions: tuple[Question, ...] = field(default=(), compare=False)
    rollback: LastRollback | None = field(default=None, compare=False)
    run_counts: RunCounts = field(default_factory=RunCounts, compare=False)

    def stack(self, color: Color) -> Stack:
        return self.stacks.get(color, Stack(color))

    @property
    def active_stack(self) -> Stack | None:
        return self.stack(self.active) if self.active else None

    @property
    def serving(self) -> StackRecord | None:
        """Record of the code that serves users."""
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

    @property
    def next_switch(self) -> int:
        """Number of the switch that is not made yet."""
        return self.last_switch.number + 1 if self.last_switch else 1

    @property
    def has_drifted(self) -> bool:
        """Return True when users are not where the last switch sent them: somebody edited the live Service."""
        last, selected = self.last_switch, self.selected_release
        return last is not None and (last.to is not self.active or selected not in {None, last.release})

    @property
    def moves(self) -> tuple[Switch, ...]:
        """The switches that brought users another release; one that only brought strayed users home is none."""
        before = (None, *(switch.release for switch in self.switches))
        return tuple(
            switch for switch, release in zip(self.switches, before, strict=False) if switch.release != release
        )

    @property
    def rolled_back(self) -> Switch | None:
        """The last move, where somebody sent users back by it and they are there still."""
        if not self.moves or self.has_drifted or self.moves[-1].kind != "rollback":
            return None
        *served, now = [move.release for move in self.moves]
        forth = now in served and served.index(now) > served.index(served[-1])
        return None if forth else self.moves[-1]

    def title_of(self, switch: Switch) -> str:
        """The release of *switch* for a line of text, as `Stack.title`; its color may run another one by now."""
        stack = self.stack(switch.to)
        return stack.title if stack.release == switch.release else shown(switch.release)

    def receipt_of(self, number: int) -> Receipt | None:
        return next((receipt for receipt in self.receipts if receipt.number == number), None)

    def approval_of(self, release: str | None) -> str | None:
        """Id of the newest approval in the log by which *release* became active here."""
        found = (switch.approval for switch in reversed(self.switches) if switch.release == release and switch.approval)
        return next(found, None)

    def switch_to(
        self,
        stack: Stack,
        kind: Kind,
        *,
        by: str,
        at: datetime,
        came_from: Color | None,
        approval: Approval | None = None,
    ) -> Switch:
        """Next entry of the log: from *came_from* to *stack*, by *approval* or the release's earlier approval."""
        return Switch(
            number=self.next_switch,
            at=at,
            kind=kind,
            came_from=came_from,
            to=stack.color,
            release=str(stack.release),
            commit=stack.known.commit if stack.known else "",
            by=by,
            approval=approval.id if approval else self.approval_of(stack.release),
        )
