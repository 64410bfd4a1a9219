"""Context of a promotion: the delivery, the gateways its steps work with, and what several steps do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

from azora.config.settings import Settings
from azora.config.urls import public_url
from azora.core.checks.suite_result import SuiteResult
from azora.core.cluster.record import Approval, StackRecord
from azora.core.cluster.state import Stack, World
from azora.core.colors import Color
from azora.core.promotion.approval import approval_for, shown_to_approver
from azora.core.promotion.binding import bound_of, policy_digest
from azora.core.promotion.goal import Wanted
from azora.core.promotion.next_step import runs, same_router
from azora.core.promotion.safety import drifted, may_be_installed
from azora.core.release.delivery import Delivery
from azora.core.release.release import shown
from azora.core.release.rendered import Normal, difference, digest_of_objects, normal
from azora.core.release.router_objects import of_preview
from azora.core.release.values import Values
from azora.errors import Refused
from azora.gateways.helm.client import Helm
from azora.gateways.helm.runner import GiveUp
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.inventory import Inventory
from azora.gateways.kubernetes.lease import Lease
from azora.gateways.kubernetes.newly_approved import once_read
from azora.gateways.suites.history_file import remembered
from azora.gateways.suites.pytest_runner import run_suite
from azora.operations.gate_check import must_be_enforced
from azora.operations.isolation import sandbox_for
from azora.operations.promotion import chart_values
from azora.operations.promotion.frozen import must_not_be_frozen
from azora.operations.promotion.shown import not_as_shown
from azora.operations.promotion.takeover import must_be_ours
from azora.operations.suite_target import suite_secret

CASES_AT_ONCE = 2


@dataclass(frozen=True)
class Context:
    """One delivery, and the gateways that bring it to its environment.

    `shown` has the objects of this run's first look.
    """

    delivery: Delivery
    cluster: Cluster
    helm: Helm
    settings: Settings
    shown: Mapping[str, Normal] | None = None  # by Helm release; None: nobody was shown anything, as before a rollback

    @property
    def where(self) -> str:
        return self.delivery.environment.name

    def first_look(self) -> World:
        """Look as `look` does, before anything is written or requested.

        Raises:
            Refused: also where a Helm release is not installed yet and would take over what is not Azora's, and where the
                cluster does not enforce what the environment's file says of approvals.
        """
        must_be_enforced(self.cluster)
        ours = self.cluster.record.helm_releases()
        must_be_ours(
            self.cluster, self.helm, *(new for new in chart_values.everything(self.delivery) if new[0] not in ours)
        )
        return self.look()

    def look(self) -> World:
        """The world as it is now, if this release may come to it: nothing has changed yet where it may not.

        Raises:
            Refused: its migrations would break what serves users, it is older than a contract that ran, or somebody changed by
                hand whom the live Service serves, and not by an override of the gate.
        """
        world = self.look_past_drift()
        if (drift := drifted(world)) and not self._was_overridden(world):
            raise Refused(
                f"could not promote in {self.where}: {drift}: it was changed manually",
                advice=f"`azora rollback {self.where}` sends users to the color of the last switch; then start the release again",
            )
        return world

    def _was_overridden(self, world: World) -> bool:
        """Return True when the cluster let a person with the right change what users reach."""
        return self.delivery.environment.has_a_gate and bool(world.overrides)

    def must_not_be_frozen(self, world: World) -> None:
        """Raise Refused where a freeze keeps this release from being promoted in the state *world*."""
        if not runs(world, self.delivery.release.id):
            must_not_be_frozen(self.where, world, self.delivery.release.id, self.delivery.run)

    def look_past_drift(self) -> World:
        """Look as `look` does, also where somebody edited the live Service: to bring users back."""
        world = self.cluster.look()
        release = self.delivery.release
        reason = None if runs(world, release.id) else may_be_installed(world, release)
        if reason:
            raise Refused(
                f"could not bring {release.title} to {self.where}: {reason}",
                advice="first release a commit with the expand and without the contract; after a contract, release only commits that contain it",
            )
        return world

    @property
    def wanted(self) -> Wanted:
        """The goal of this delivery, for the decisions of the pure core."""
        environment, application = self.delivery.environment, self.delivery.application
        approval = environment.approval
        return Wanted(
            release=self.delivery.release.id,
            run=self.delivery.run,
            approval_needed=approval is not None,
            ask_after_preview=approval is not None and approval.ask == "after_preview",
            data_digest=chart_values.data_digest(self.delivery)
            if environment.data and application.charts.data
            else None,
            router_digest=chart_values.router_digest(self.delivery),
            environment=environment.name,
            policy=policy_digest(environment),
            code=self.delivery.release,
        )

    def approval(self, world: World) -> Approval | None:
        """Approval for a switch in the state *world*; None where the environment needs none.

        Raises:
            Refused: it asks for one, and none of this run holds.
        """
        wanted = self.wanted
        found = approval_for(world, wanted, datetime.now(UTC))
        if wanted.approval_needed and found is None:
            raise Refused(
                f"could not switch users of {self.where} to {self.delivery.release.title}: no approval of this run is valid"
                f" for the current state (plan {shown(bound_of(world, wanted).hash)})",
                advice="start the release again: it requests a new approval",
            )
        return found

    def hold(self) -> None:
        """Raise LeaseLost unless this run still holds the Lease: before every write."""
        Lease(self.cluster.namespace, self.delivery.run).check()

    def claim(self, name: str, chart: Path, values: Values) -> None:
        """The record lists Helm release *name*, which is about to be installed or upgraded.

        Raises:
            Refused: it would take over what is not Azora's.
        """
        must_be_ours(self.cluster, self.helm, (name, chart, values))
        self.cluster.record.add_helm_release(name)

    def install(
        self,
        name: str,
        chart: Path,
        values: Values,
        *,
        timeout_seconds: float,
        wait: bool = True,
        give_up: GiveUp | None = None,
    ) -> int:
        """Have Helm install or upgrade *name*; again while the API server has not read an approval."""
        install = partial(self.helm.upgrade, timeout_seconds=timeout_seconds, wait=wait, give_up=give_up)
        return once_read(self.cluster.namespace, lambda: install(name, chart, values))

    def must_be_as_shown(self, name: str, chart: Path, values: Values, plain: Values | None = None) -> None:
        """Raise Refused where installing *chart* now would bring other objects than those that were shown.

        *plain*: its values without what the cluster adds, the replicas of an autoscaler; those were shown.
        """
        if self.shown is None:
            return
        now = normal(self.helm.render(name, chart, plain or values))
        if found := difference(self.shown.get(name, now), now):
            raise not_as_shown(name, self.where, found)
        needs = self.delivery.environment.approval
        approved = shown_to_approver(self.cluster.look(), self.wanted).get(name) if needs else None
        if approved not in {None, digest_of_objects(now)}:
            raise not_as_shown(name, self.where, "they are not those of the plan that was approved")
        neutral = normal(self.helm.render(name, chart, values)) if plain else now
        if found := difference(neutral, normal(self.helm.would_install(name, chart, values))):
            raise not_as_shown(name, self.where, found)

    def proof(self, stack: Stack) -> StackRecord:
        """Record of the color with a proof; replaced where a killed process left an older release's."""
        known = stack.known or self.record_of(stack.revision)
        return known.model_copy(update={"proved_at": datetime.now(UTC)})

    def record_of(self, revision: int) -> StackRecord:
        release = self.delivery.release
        return StackRecord(
            release=release.id,
            commit=release.commit,
            subject=release.subject,
            revision=revision,
            migration_heads=release.migration_heads,
            migrations=release.migrations,
        )

    @property
    def router(self) -> Path:
        return self.delivery.chart(self.delivery.application.charts.router)

    def rendered_router(self, active: Color) -> list[Values]:
        """Objects of the router while *active* serves this release."""
        return self.helm.render(self.delivery.application.name, *self.router_for(active))

    def router_for(self, active: Color) -> tuple[Path, Values]:
        """The router's chart, and its values while *active* serves this release."""
        return self.router, chart_values.router_values(self.delivery, active, self.delivery.release.label)

    def route_preview(self, world: World) -> None:
        """Apply the router's objects that only the preview meets; users keep theirs until the switch."""
        name, hosts = self.delivery.application.name, self.delivery.environment.hosts
        if world.active is None or same_router(world, self.wanted):
            return
        values = chart_values.router_values(self.delivery, world.active, str(world.stack(world.active).label))
        self.claim(name, self.router, values)
        inventory = Inventory(self.cluster.namespace.api, self.cluster.namespace.name)
        for found in of_preview(self.helm.render(name, self.router, values), name, hosts.preview, hosts.live):
            inventory.apply(found, name)

    def upgrade_router(self, active: Stack) -> None:
        values = chart_values.router_values(self.delivery, active.color, str(active.label))
        name = self.delivery.application.name
        self.claim(name, self.router, values)
        if active.release == self.delivery.release.id:
            self.must_be_as_shown(name, self.router, values)
        self.install(name, self.router, values, timeout_seconds=60, wait=False)
        self.cluster.record.write(router=f"{chart_values.router_digest(self.delivery)}/{active.color}")

    def suite(self, name: Literal["e2e", "smoke"], host: str, stack: Stack) -> SuiteResult:
        """Run a suite of the released commit against *host*, where *stack* must answer.

        Reports are in this run's folder; outcomes are stored.
        """
        suites = self.delivery.application.suites
        result = run_suite(
            self.delivery.folder / suites.folder(name),
            url=public_url(host, self.settings),
            connect=self.settings.ingress_address,
            release=stack.label,
            color=str(stack.color),
            report_folder=self.settings.runs_folder / self.delivery.run / f"{name} {host}",
            workers=CASES_AT_ONCE if name == "e2e" else 0,
            timeout_seconds=600,
            second_try=True,
            variables=self.settings.test_variables.split(),
            secret=suite_secret(self.cluster.namespace, suites.secret) if name == "e2e" else None,
            sandbox=sandbox_for(self.delivery.folder, self.settings),
        )
        return remembered(result, self.settings.state_folder / "cases" / f"{host}-{name}.json")
