"""The steps before the switch: the preview stack comes up and is proved; users meet nothing of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from azora.core.cluster.kubernetes_objects import Json
from azora.core.cluster.pod_diagnosis import Patience
from azora.core.cluster.record import StackRecord
from azora.core.cluster.state import Stack
from azora.core.colors import Color
from azora.core.promotion.verdict import pods_ready, unready
from azora.core.release.chart_contract import live_ports
from azora.errors import AzoraError, BadInput, CheckFailed, Conflict, HelmFailed, NotReadyYet
from azora.gateways.helm.runner import GiveUp
from azora.gateways.kubernetes.pod_errors import troubles
from azora.gateways.suites.pytest_runner import must_pass
from azora.operations.promotion import chart_values
from azora.operations.promotion.context import Steps, Told
from azora.operations.promotion.live_probe import await_answer

Report = Callable[[int, int], None]
SHOWN_LINES = 20


class Preview(Steps):
    """From an empty or old preview color to one that is proved."""

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
        name, chart = f"{application.name}-data", self.delivery.folder / str(application.charts.data)
        values = chart_values.data_values(self.delivery)
        self.claim(name, chart, values)
        self.helm.upgrade(name, chart, values, timeout_seconds=300)
        self.cluster.write_record(data=chart_values.data_digest(self.delivery))

    def install_preview(self, report: Report) -> StackRecord:
        """Bring the preview stack up at full size; *report* hears of (ready, wanted) pods as they come.

        Raises:
            HelmFailed: with the pods' own words; those of the migration, where that failed.
            Refused: its migrations may not run here.
        """
        self.hold()
        world = self.look_past_drift()
        color = world.preview
        least = world.active_stack.wanted if world.active_stack else {}
        values = chart_values.stack_values(self.delivery, color, least=least)
        chart = self.delivery.folder / self.delivery.application.charts.stack
        limit = self.delivery.environment.install_minutes * 60
        self.claim(self.cluster.stack_name(color), chart, values)
        self.cluster.remember(self.delivery.release)
        self.cluster.begin_migrating(self.delivery.release)
        if world.stack(color).helm == "failed":
            self.cluster.forget_unready(color)
        self._must_still_wait(color)
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
        record = self._record(revision).model_copy(update={"ports": self._ports(color)})
        self.cluster.record_installed(color, record)
        return record

    def _must_still_wait(self, color: Color) -> None:
        """Raise Conflict where users came to *color* meanwhile, by a rollback that took the Lease."""
        self.hold()
        if self.cluster.look().active is color:
            raise Conflict(
                f"could not install into {color} of {self._where}: it serves users by now", advice="look again"
            )

    def _ports(self, color: Color) -> tuple[Json, ...] | None:
        """Ports of the live Service once *color* serves; None where the router's chart is one of before it named the release."""
        name = self.delivery.application.name
        with suppress(BadInput):
            values = chart_values.router_values(self.delivery, color, self.delivery.release.label)
            return live_ports(self.helm.render(name, self._router, values), name)
        return None

    def _watcher(self, color: Color, report: Report) -> GiveUp:
        """Looks at the pods of *color* while Helm waits for them: reports how many are ready, and when it is pointless."""
        patience = Patience(self.delivery.release.label)

        def look() -> str | None:
            try:
                report(*pods_ready(self.cluster.look().stack(color)))
                lost = patience.lost(self.cluster.pods(color), time.monotonic())
            except AzoraError:  # Helm says what it met, and for how long it waits
                return None
            return f"{', '.join(lost)} will not come up" if lost else None

        return look

    def await_ready(self) -> None:
        """Raises NotReadyYet (tried again) until every pod of the preview is ready."""
        world = self.cluster.look()
        if reason := unready(world.stack(world.preview)):
            raise self._explained(NotReadyYet(f"could not prove {self._where}: {reason}"), world.preview)

    def prove(self, told: Told) -> None:
        """The smoke cases against the preview, through the preview Service; *told* of the result, recorded when all pass."""
        self.hold()
        world = self.cluster.look()
        color = world.preview
        stack = world.stack(color)
        self._check_images(stack)
        if world.service_version:
            self.cluster.point_preview_at(stack)
        host = self.delivery.environment.hosts.preview
        with suppress(NotReadyYet):  # the cases will say what is wrong
            await_answer(self.delivery, self.settings, host, tries=20)
        result = self.suite("smoke", host, stack)
        told(result)
        must_pass(result, f"the preview of {self._where} ({color})")
        self.cluster.record_installed(color, self._proof(stack))

    def try_end_to_end(self, told: Told) -> None:
        """The browser cases against the preview, through the preview Service: what is about to serve users serves them."""
        self.hold()
        world = self.cluster.look()
        stack = world.stack(world.preview)
        result = self.suite("e2e", self.delivery.environment.hosts.preview, stack)
        told(result)
        must_pass(result, f"the preview of {self._where} ({stack.color}) end to end")
        passed = {"cases": result.passed + result.flaky, "cases_by": self.delivery.run}
        self.cluster.record_stack(stack.color, self._proof(stack).model_copy(update=passed))

    def install_router(self) -> None:
        """The first time: live Service, preview Service and Ingress, for the one stack there is.

        Raises:
            Refused: nobody approved it, or what was approved is no longer what is there.
        """
        self.hold()
        world = self.cluster.look()
        self.approval(world)
        self._upgrade_router(world.stack(world.preview))
        await_answer(self.delivery, self.settings, self.delivery.environment.hosts.live)

    def _check_images(self, stack: Stack) -> None:
        """What runs is what was tested: every image of the stack is one of this release, by digest."""
        if strangers := sorted(stack.images - set(self.delivery.release.images.values())):
            raise CheckFailed(
                f"could not prove {self._where}/{stack.color}: it runs images that are not of this release: {strangers}",
                advice="somebody changed the stack by hand; run the release again",
            )

    def _explained(self, error: AzoraError, color: Color) -> AzoraError:
        """*error* with what the new pods of *color* say, where it is about pods, and that users met nothing of it."""
        said: list[str] = []
        if isinstance(error, HelmFailed | NotReadyYet):
            with suppress(AzoraError):
                said = troubles(self.cluster, color, self.delivery.release.label)[:SHOWN_LINES]
        message = "\n  ".join([error.message, *said])
        advice = "; ".join(filter(None, [error.advice, f"users of {self._where} are untouched"]))
        return type(error)(message, advice=advice)
