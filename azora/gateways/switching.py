"""The switch, and the steps after it: watched, kept or taken back, and booked in Helm."""

from __future__ import annotations

from datetime import UTC, datetime

from azora.colors import Color
from azora.errors import CheckFailed, Refused
from azora.gateways.steps import Steps, Told, unready
from azora.gateways.watching import finish_probe, receipt_of, start_probe
from azora.probing import ProbeResult
from azora.record import Receipt, Switch
from azora.safety import may_serve
from azora.world import Stack, World


class Switching(Steps):
    """From a proved preview to users on it, or back where they were."""

    def switch(self) -> Switch:
        """Users go to this release: a probe starts, then one compare-and-swap patch. Refused when that is not safe."""
        self.hold()
        world = self.cluster.look()
        release = self.delivery.release
        here = world.active is not None and world.stack(world.active).release == release.id
        to = world.active if here and world.active else world.preview
        reason = None if here else may_serve(world, to) or _is_not(world.stack(to), release.id)
        if reason:
            raise Refused(f"could not switch {self._where}: {reason}", advice="run the release again")
        entry = Switch(
            number=world.next_switch,
            at=datetime.now(UTC),
            kind="first" if here and not world.switches else "promotion",
            came_from=None if here else world.active,
            to=to,
            release=release.id,
            commit=release.commit,
            by=self.delivery.run,
            approval=next((yes.id for yes in world.approvals if yes.run == self.delivery.run), None),
        )
        start_probe(self.delivery, self.settings)
        self.cluster.switch(world, entry)
        return entry

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
        if reason := unready(self.cluster.look().stack(color)):
            return reason
        smoke = self.suite("smoke", self.delivery.environment.hosts.live, color)
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
        if reason := may_serve(world, entry.came_from):
            stay = f"users stay on {entry.to}: {reason}"
            self.cluster.add_receipt(receipt.model_copy(update={"reason": f"{receipt.reason}; {stay}"}))
            return stay
        self._return(world, entry, entry.came_from, receipt.reason)
        self.cluster.add_receipt(receipt)
        return f"users are back on {entry.came_from}"

    def _void_proof(self, stack: Stack) -> None:
        """What failed under users needs a new proof."""
        if stack.record:
            self.cluster.record_stack(stack.color, stack.record.model_copy(update={"proved_at": None}))

    def _return(self, world: World, entry: Switch, back: Color, reason: str) -> None:
        reverse = Switch(
            number=world.next_switch,
            at=datetime.now(UTC),
            kind="return",
            came_from=entry.to,
            to=back,
            release=str(world.stack(back).release),
            by=self.delivery.run,
        )
        self.cluster.switch(world, reverse)
        self.cluster.add_receipt(Receipt(number=reverse.number, verdict="good", reason=reason))

    def book(self) -> None:
        """The router's Helm release says the same as the live Service; the preview Service follows to the other color."""
        self.hold()
        if active := self.cluster.look().active:
            self._upgrade_router(active)
            self.cluster.correct_selector()


def _is_not(stack: Stack, release: str) -> str | None:
    return None if stack.release == release else f"the {stack.color} stack runs {stack.release} by now, not {release}"
