"""What the steps of a promotion share: the gateways they work with, and what several of them do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from azora.bluegreen import runs
from azora.colors import Color
from azora.delivery import Delivery
from azora.errors import Refused
from azora.gateways import charts
from azora.gateways.cluster import Cluster
from azora.gateways.helm import Helm
from azora.gateways.lease import Lease
from azora.gateways.remembering import remembered
from azora.gateways.suites import run_suite
from azora.gateways.testing import suite_secret
from azora.gateways.watching import public_url
from azora.record import StackRecord
from azora.reports import SuiteResult
from azora.safety import may_be_installed
from azora.settings import Settings
from azora.world import Stack, World

CASES_AT_ONCE = 2
Told = Callable[[SuiteResult], None]


@dataclass(frozen=True)
class Steps:
    """The gateways that bring one delivery to its environment."""

    delivery: Delivery
    cluster: Cluster
    helm: Helm
    settings: Settings

    @property
    def _where(self) -> str:
        return self.delivery.environment.name

    def look(self) -> World:
        """The world as it is now, if this release may come to it: nothing has changed yet where it may not.

        Raises:
            Refused: its migrations would break what serves users, or it is older than a contract that ran.
        """
        world = self.cluster.look()
        release = self.delivery.release
        reason = None if runs(world, release.id) else may_be_installed(world, release)
        if reason:
            raise Refused(
                f"could not bring {release.title} to {self._where}: {reason}",
                advice="first release a commit that has the expand and not yet the contract; after a contract, only ones that have it",
            )
        return world

    def hold(self) -> None:
        """Raise LeaseLost unless this run still holds the Lease: before every write."""
        Lease(self.cluster, self.delivery.run).check()

    def _proof(self, stack: Stack) -> StackRecord:
        """What runs in the color passed. A record that a killed process left of an older release is made anew."""
        known = stack.known or self._record(stack.revision)
        return known.model_copy(update={"proved_at": datetime.now(UTC)})

    def _record(self, revision: int) -> StackRecord:
        release = self.delivery.release
        return StackRecord(
            release=release.id,
            commit=release.commit,
            subject=release.subject,
            revision=revision,
            migration_heads=release.migration_heads,
            migrations=release.migrations,
        )

    def _upgrade_router(self, active: Color) -> None:
        application = self.delivery.application
        chart = self.delivery.folder / application.charts.router
        values = charts.router_values(self.delivery, active)
        self.helm.upgrade(application.name, chart, values, timeout_seconds=60, wait=False)
        self.cluster.write_record(router=f"{charts.router_digest(self.delivery)}/{active}")

    def suite(self, name: Literal["e2e", "smoke"], host: str, color: Color) -> SuiteResult:
        """Run a suite of the released commit against *host*; reports land in this run's folder, outcomes are remembered."""
        suites = self.delivery.application.suites
        result = run_suite(
            self.delivery.folder / suites.folder(name),
            url=public_url(host, self.settings),
            connect=self.settings.ingress_address,
            release=self.delivery.release.id,
            color=str(color),
            report_folder=self.settings.runs_folder / self.delivery.run / f"{name} {host}",
            workers=CASES_AT_ONCE if name == "e2e" else 0,
            timeout_seconds=600,
            second_try=True,
            secret=suite_secret(self.cluster, suites.secret) if name == "e2e" else None,
        )
        return remembered(result, self.settings.state_folder / "cases" / f"{host}-{name}.json")


def pods_ready(stack: Stack) -> tuple[int, int]:
    return sum(stack.ready.values()), sum(stack.wanted.values())


def unready(stack: Stack) -> str | None:
    if stack.is_ready:
        return None
    ready, wanted = pods_ready(stack)
    return f"{ready} of {wanted} pods of {stack.color} are ready"
