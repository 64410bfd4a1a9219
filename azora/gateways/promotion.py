"""The steps of a promotion, each safe to repeat. `azora.bluegreen.next_step` says which one is next."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from azora.bluegreen import Stack, Step, Wanted, may_serve, next_step
from azora.colors import Color
from azora.delivery import Delivery
from azora.errors import AzoraError, CheckFailed, HelmFailed, NotReadyYet, Refused
from azora.gateways import charts
from azora.gateways.cluster import Cluster
from azora.gateways.helm import GiveUp, Helm
from azora.gateways.lease import Lease
from azora.gateways.patience import patient
from azora.gateways.remembering import remembered
from azora.gateways.suites import run_suite
from azora.gateways.testing import suite_secret
from azora.gateways.watching import await_answer, finish_probe, public_url, receipt_of, start_probe
from azora.pods import Patience
from azora.probing import ProbeResult
from azora.record import Receipt, StackRecord, Switch
from azora.reports import SuiteResult
from azora.settings import Settings

Report = Callable[[int, int], None]
Told = Callable[[SuiteResult], None]
SHOWN_LINES = 20


@dataclass(frozen=True)
class Promotion:
    """The gateways that bring one delivery to its environment."""

    delivery: Delivery
    cluster: Cluster
    helm: Helm
    settings: Settings

    @property
    def _where(self) -> str:
        return self.delivery.environment.name

    # -- looking

    @property
    def wanted(self) -> Wanted:
        approval = self.delivery.environment.approval
        has_data = self.delivery.environment.data and self.delivery.application.charts.data
        return Wanted(
            release=self.delivery.release.id,
            run=self.delivery.run,
            approval_needed=approval is not None,
            ask_after_preview=approval is not None and approval.ask == "after_preview",
            data_digest=charts.data_digest(self.delivery) if has_data else None,
            router_digest=charts.router_digest(self.delivery),
        )

    @patient
    def next(self) -> Step | None:
        """The one next step, from a fresh look; an API server that is away for a moment is waited for."""
        return next_step(self.cluster.look(), self.wanted, datetime.now(UTC))

    def hold(self) -> None:
        """Raise LeaseLost unless this run still holds the Lease: before every write."""
        Lease(self.cluster, self.delivery.run).check()

    # -- before the switch

    def repair(self) -> list[str]:
        """Forget half-done Helm revisions; no object changes and no traffic moves. Returns the releases repaired."""
        self.hold()
        pending = list(self.cluster.look().pending)
        for name in pending:
            self.cluster.forget_pending(name)
        return pending

    def install_data(self) -> None:
        """PostgreSQL, Redis and what else the environment's data chart brings."""
        self.hold()
        application = self.delivery.application
        chart = self.delivery.folder / str(application.charts.data)
        self.helm.upgrade(f"{application.name}-data", chart, charts.data_values(self.delivery), timeout_seconds=300)
        self.cluster.write_record(data=charts.data_digest(self.delivery))

    def install_preview(self, report: Report) -> StackRecord:
        """Bring the preview stack up at full size; *report* hears of (ready, wanted) pods as they come.

        Raises:
            HelmFailed: with the pods' own words.
        """
        self.hold()
        world = self.cluster.look()
        color = world.preview
        least = world.active_stack.wanted if world.active_stack else {}
        values = charts.stack_values(self.delivery, color, least=least)
        chart = self.delivery.folder / self.delivery.application.charts.stack
        limit = self.delivery.environment.install_minutes * 60
        self.cluster.remember(self.delivery.release)
        if world.stack(color).helm == "failed":
            self.cluster.forget_unready(color)
        try:
            revision = self.helm.upgrade(
                self.cluster.stack_name(color),
                chart,
                values,
                timeout_seconds=limit,
                give_up=self._watcher(color, report),
            )
        except AzoraError as error:
            raise self._explained(error, color) from error
        record = self._record(revision)
        self.cluster.record_stack(color, record)
        return record

    def _watcher(self, color: Color, report: Report) -> GiveUp:
        """Looks at the pods of *color* while Helm waits for them: reports how many are ready, and when it is pointless."""
        patience = Patience(self.delivery.release.id)

        def look() -> str | None:
            try:
                report(*_pods_ready(self.cluster.look().stack(color)))
                lost = patience.lost(self.cluster.pods(color), time.monotonic())
            except AzoraError:  # Helm says what it met, and for how long it waits
                return None
            return f"{', '.join(lost)} will not come up" if lost else None

        return look

    def await_ready(self) -> None:
        """Raises NotReadyYet (tried again) until every pod of the preview is ready."""
        world = self.cluster.look()
        if reason := _unready(world.stack(world.preview)):
            raise self._explained(NotReadyYet(f"could not prove {self._where}: {reason}"), world.preview)

    def prove(self, told: Told) -> None:
        """The smoke cases against the preview, through the preview Service; *told* of the result, recorded when all pass."""
        self.hold()
        world = self.cluster.look()
        color = world.preview
        self._check_images(world.stack(color))
        if world.preview_points_at is not color:
            self.cluster.point_preview_at(color)
        result = self.suite("smoke", self.delivery.environment.hosts.preview, color)
        told(result)
        must_pass(result, f"the preview of {self._where} ({color})")
        self._record_proof(world.stack(color))

    def install_router(self) -> None:
        """The first time: live Service, preview Service and Ingress, for the one stack there is."""
        self.hold()
        self._upgrade_router(self.cluster.look().preview)
        await_answer(self.delivery, self.settings)

    def _record_proof(self, stack: Stack) -> None:
        """What runs in the color passed. A record that a killed process left of an older release is written anew."""
        known = stack.record if stack.record and stack.record.release == stack.release else self._record(stack.revision)
        self.cluster.record_stack(stack.color, known.model_copy(update={"proved_at": datetime.now(UTC)}))

    def _record(self, revision: int) -> StackRecord:
        release = self.delivery.release
        return StackRecord(
            release=release.id,
            commit=release.commit,
            subject=release.subject,
            revision=revision,
            migration_heads=release.migration_heads,
        )

    def _check_images(self, stack: Stack) -> None:
        """What runs is what was tested: every image of the stack is one of this release, by digest."""
        if strangers := sorted(stack.images - set(self.delivery.release.images.values())):
            raise CheckFailed(
                f"could not prove {self._where}/{stack.color}: it runs images that are not of this release: {strangers}",
                advice="somebody changed the stack by hand; run the release again",
            )

    def _explained(self, error: AzoraError, color: Color) -> AzoraError:
        """*error* with what the new pods of *color* say, where it is about pods, and that users met nothing of it."""
        troubles: list[str] = []
        if isinstance(error, HelmFailed | NotReadyYet):
            with suppress(AzoraError):
                troubles = self.cluster.troubles(color, self.delivery.release.id)[:SHOWN_LINES]
        message = "\n  ".join([error.message, *troubles])
        advice = "; ".join(filter(None, [error.advice, f"users of {self._where} are untouched"]))
        return type(error)(message, advice=advice)

    # -- the switch

    def switch(self) -> Switch:
        """Users go to this release: a probe starts, then one compare-and-swap patch. Refused when that is not safe."""
        self.hold()
        world = self.cluster.look()
        release = self.delivery.release
        here = world.active is not None and world.stack(world.active).release == release.id
        to = world.active if here and world.active else world.preview
        reason = None if here else may_serve(world.stack(to)) or _is_not(world.stack(to), release.id)
        if reason:
            raise Refused(f"could not switch {self._where}: {reason}", advice="run the release again")
        entry = Switch(
            number=(world.last_switch.number if world.last_switch else 0) + 1,
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

        A bad verdict sends users back (the reverse of the same switch) and raises CheckFailed.
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
        self._go_back(entry, receipt)
        raise CheckFailed(
            f"could not keep {self._where} on {self.delivery.release.title}: {reason}",
            advice=f"users are back on {entry.came_from}; fix the cause and release again"
            if entry.came_from
            else "nobody was served before; fix the cause and release again",
        )

    def _unhappy(self, color: Color, probed: ProbeResult, at: datetime, told: Told) -> str | None:
        """Why the new color must not keep its users, or None."""
        if probed.failed:
            return f"requests failed around the switch: {probed.summary(at.timestamp())}"
        if reason := _unready(self.cluster.look().stack(color)):
            return reason
        smoke = self.suite("smoke", self.delivery.environment.hosts.live, color)
        told(smoke)
        return None if smoke.ok else f"smoke cases through the live address: {smoke.summary()}"

    def _accept(self, entry: Switch, receipt: Receipt) -> None:
        """Good under users: that is a proof too, and the only one that a first release gets."""
        stack = self.cluster.look().stack(entry.to)
        if not stack.is_proved:
            self._record_proof(stack)
        self.cluster.add_receipt(receipt)

    def _go_back(self, entry: Switch, receipt: Receipt) -> None:
        """The reverse of *entry*, where there is a color that may serve; what failed needs a new proof."""
        world = self.cluster.look()
        if record := world.stack(entry.to).record:
            self.cluster.record_stack(entry.to, record.model_copy(update={"proved_at": None}))
        back = entry.came_from
        if back is not None and may_serve(world.stack(back)) is None:
            reverse = Switch(
                number=entry.number + 1,
                at=datetime.now(UTC),
                kind="return",
                came_from=entry.to,
                to=back,
                release=str(world.stack(back).release),
                by=self.delivery.run,
            )
            self.cluster.switch(world, reverse)
            self.cluster.add_receipt(Receipt(number=reverse.number, verdict="good", reason=receipt.reason))
        self.cluster.add_receipt(receipt)

    def book(self) -> None:
        """The router's Helm release says the same as the live Service; the preview Service follows to the other color."""
        self.hold()
        if active := self.cluster.look().active:
            self._upgrade_router(active)
            self.cluster.correct_selector()

    def _upgrade_router(self, active: Color) -> None:
        application = self.delivery.application
        chart = self.delivery.folder / application.charts.router
        values = charts.router_values(self.delivery, active)
        self.helm.upgrade(application.name, chart, values, timeout_seconds=60, wait=False)
        self.cluster.write_record(router=f"{charts.router_digest(self.delivery)}/{active}")

    # -- suites

    def suite(self, name: Literal["e2e", "smoke"], host: str, color: Color, *, workers: int = 0) -> SuiteResult:
        """Run a suite of the released commit against *host*; reports land in this run's folder, outcomes are remembered."""
        suites = self.delivery.application.suites
        result = run_suite(
            self.delivery.folder / suites.folders()[name],
            url=public_url(host, self.settings),
            connect=self.settings.ingress_address,
            release=self.delivery.release.id,
            color=str(color),
            report_folder=self.settings.runs_folder / self.delivery.run / f"{name} {host}",
            workers=workers,
            timeout_seconds=600,
            second_try=True,
            secret=suite_secret(self.cluster, suites.secret) if name == "e2e" else None,
        )
        return remembered(result, self.settings.state_folder / "cases" / f"{host}-{name}.json")


def must_pass(result: SuiteResult, where: str) -> None:
    """Raise CheckFailed, naming the cases, unless all passed."""
    if result.ok:
        return
    names = "\n".join(f"  {case.name}: {(case.message or case.outcome).splitlines()[0]}" for case in result.failures())
    raise CheckFailed(
        f"could not prove {where}: {result.summary()}\n{names}", advice="the report is linked on the run's page"
    )


def _is_not(stack: Stack, release: str) -> str | None:
    return None if stack.release == release else f"the {stack.color} stack runs {stack.release} by now, not {release}"


def _pods_ready(stack: Stack) -> tuple[int, int]:
    return sum(stack.ready.values()), sum(stack.wanted.values())


def _unready(stack: Stack) -> str | None:
    if stack.is_ready:
        return None
    ready, wanted = _pods_ready(stack)
    return f"{ready} of {wanted} pods of {stack.color} are ready"
