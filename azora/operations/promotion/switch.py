"""The switch, and the steps after it: watched, kept or taken back, and booked in Helm."""

from __future__ import annotations

from datetime import UTC, datetime

from azora.core.checks.probe_result import ProbeResult
from azora.core.cluster.record import BY_HAND, Approval, Kind, Receipt, Switch
from azora.core.cluster.state import Stack, World
from azora.core.colors import Color
from azora.core.promotion.next_step import first_approval, runs
from azora.core.promotion.safety import may_serve
from azora.core.promotion.verdict import receipt_of, unready
from azora.core.release.release import shown
from azora.errors import CheckFailed, Refused
from azora.operations.promotion.context import Steps, Told
from azora.operations.promotion.live_probe import finish_probe, start_probe


class Switching(Steps):
    """From a proved preview to users on it, or back where they were."""

    def switch(self) -> Switch:
        """Users go to this release: a probe starts, then one compare-and-swap patch. Refused when that is not safe, or was not
        approved for the very state that the patch changes. A switch whose answer was lost on the way is not made twice.
        """
        self.hold()
        world = self.look()
        here = runs(world, self.delivery.release.id)
        if here and world.last_switch:
            return world.last_switch
        entry = self._first(world) if here else self._promotion(world)
        start_probe(self.delivery, self.settings)
        self.cluster.switch(world, entry)
        return entry

    def _first(self, world: World) -> Switch:
        """The entry of the log for users that the router's installation brought here."""
        known = first_approval(world, self.wanted)
        approval = known or self.approval(world)
        return self._entry(world, "first", None, world.active_stack or Stack(world.preview), approval)

    def _promotion(self, world: World) -> Switch:
        stack, release = world.stack(world.preview), self.delivery.release
        if reason := may_serve(world, stack.color) or _is_not(stack, release.id):
            raise Refused(f"could not switch {self._where}: {reason}", advice="run the release again")
        return self._entry(world, "promotion", world.active, stack, self.approval(world))

    def _entry(
        self, world: World, kind: Kind, came_from: Color | None, to: Stack, approval: Approval | None = None
    ) -> Switch:
        release = self.delivery.release
        return Switch(
            number=world.next_switch,
            at=datetime.now(UTC),
            kind=kind,
            came_from=came_from,
            to=to.color,
            release=str(to.release),
            commit=release.commit if to.release == release.id else "",
            by=self.delivery.run,
            approval=approval.id if approval else world.approval_of(to.release),
        )

    def watch(self, told: Told) -> Receipt:
        """Watch the new color for the settle time, run the smoke cases through the live address, write the receipt.

        A bad verdict sends users back (the reverse of the same switch), where the old color may serve them, and raises
        CheckFailed.
        """
        entry = self.cluster.look().last_switch
        if entry is None:
            raise Refused("could not watch a switch: there was none")
        probed = finish_probe(self.delivery, entry, self.settings)
        reason = self._unhappy(entry.to, probed, entry.at, told)
        receipt = receipt_of(entry, probed, reason)
        if reason is None:
            self._accept(entry, receipt)
            return receipt
        self.hold()
        where = self._go_back(entry, receipt)
        raise CheckFailed(
            f"could not keep {self._where} on {self.delivery.release.title}: {reason}",
            advice=f"{where}; fix the cause and release again",
        )

    def _unhappy(self, color: Color, probed: ProbeResult, at: datetime, told: Told) -> str | None:
        """Why the new color must not keep its users, or None."""
        if probed.failed:
            return f"requests failed around the switch: {probed.summary(at.timestamp())}"
        stack = self.cluster.look().stack(color)
        if reason := unready(stack):
            return reason
        smoke = self.suite("smoke", self.delivery.environment.hosts.live, stack)
        told(smoke)
        return None if smoke.ok else f"smoke cases through the live address: {smoke.summary()}"

    def _accept(self, entry: Switch, receipt: Receipt) -> None:
        """Good under users: that is a proof too, and the only one that a first release gets."""
        stack = self.cluster.look().stack(entry.to)
        if not stack.is_proved:
            self.cluster.record_stack(stack.color, self._proof(stack))
        self.cluster.add_receipt(receipt)

    def _go_back(self, entry: Switch, receipt: Receipt) -> str:
        """The reverse of *entry*, where users came from a color that may serve; says where they are now."""
        world = self.cluster.look()
        self._void_proof(world.stack(entry.to))
        if entry.came_from is None:
            self.cluster.add_receipt(receipt)
            return "nobody was served before"
        if entry.kind in BY_HAND:
            self.cluster.add_receipt(receipt)
            return f"users stay on {entry.to}: {entry.by} sent them there by a {entry.kind}"
        if reason := may_serve(world, entry.came_from):
            stay = f"users stay on {entry.to}: {reason}"
            self.cluster.add_receipt(receipt.model_copy(update={"reason": f"{receipt.reason}; {stay}"}))
            return stay
        self._return(world, entry, entry.came_from, receipt.reason)
        self.cluster.add_receipt(receipt)
        return f"users are back on {entry.came_from}"

    def _void_proof(self, stack: Stack) -> None:
        """What failed under users needs a new proof."""
        if stack.known:
            self.cluster.record_stack(stack.color, stack.known.model_copy(update={"proved_at": None}))

    def _return(self, world: World, entry: Switch, back: Color, reason: str) -> None:
        reverse = self._entry(world, "return", entry.to, world.stack(back))
        self.cluster.switch(world, reverse)
        self.cluster.add_receipt(Receipt(number=reverse.number, verdict="good", reason=reason))

    def book(self) -> None:
        """The router's Helm release says the same as the live Service; the preview Service follows to the other color."""
        self.hold()
        if active := self.cluster.look().active_stack:
            self._upgrade_router(active)
            self.cluster.correct_selector()


def _is_not(stack: Stack, release: str) -> str | None:
    if stack.release == release:
        return None
    return f"the {stack.color} stack runs {shown(stack.release)} by now, not {shown(release)}"
