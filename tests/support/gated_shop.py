"""A gated shop as a state machine: acts of its people and its pipeline, and what must hold after each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from azora.config.settings import Settings
from azora.core.cluster.record import StackRecord
from azora.core.gate.approved import Approved
from azora.core.gate.pod_images import belongs_to, images_of
from azora.errors import AzoraError, Refused, Unreachable
from azora.gateways.kubernetes.approved_store import approved_of, write_approved
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.newly_approved import once_read
from azora.operations.record import writing
from azora.operations.rollback import roll_back
from tests.support.api_server import ApiServer
from tests.support.gated import (
    ADA,
    BOB,
    OLGA,
    R0,
    R1,
    ROSA,
    Gated,
    deployment,
    digest,
    image,
    pod,
    selector,
    service,
)
from tests.support.polling import until
from tests.support.two_colors import is_ready, two_colors

MINIMUM = 2
PEOPLE = (ADA, BOB, "x")  # who may approve
OVERRIDE = "azora.dev/override"
LIVE, APPROVED = service(R1), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "azora-approved"}}
NAME = "app.kubernetes.io/name"

numbers = st.sampled_from([2, 3])  # releases that nobody approved yet; 0 and 1 ran before the gate


def label(number: int) -> str:
    return str(number) * 40


def items(number: int) -> set[str]:
    """The label of a release, and the digest of its one image."""
    return {label(number), digest(number)}


class GatedShop(RuleBasedStateMachine):
    """A shop that needs two approvals, and the model of what its people approved."""

    server: ApiServer
    step = 0

    @initialize()
    def begin(self) -> None:
        self.shop: Gated = two_colors(self.server, minimum=MINIMUM)
        self.given: dict[str, set[str]] = {person: set() for person in PEOPLE}
        self.standing = {R0, R1, digest(0), digest(1), digest(5)}
        self.ever = set(self.standing)  # items that counted at some time
        self.live = R1
        self.overridden: str | None = None  # release that the present step overrides

    # -- the model

    def counts(self, *wanted: str) -> bool:
        """Return True when each item stands, or has its approvals."""
        return all(
            item in self.standing or sum(item in some for some in self.given.values()) >= MINIMUM for item in wanted
        )

    def now_given(self, person: str, given: set[str]) -> None:
        """*person* approves these items and no others; policies have read it once this returns."""
        before = {item for item in self.ever if self.counts(item)}
        self.given[person] = given
        every = {item for some in self.given.values() for item in some}
        self.ever |= {item for item in every if self.counts(item)}
        for item in before - {self.live}:
            if not self.counts(item):
                until(lambda item=item: self._is_refused(item), seconds=20, what=f"{item} refused", every=0.02)

    def _is_refused(self, item: str) -> bool:
        found = pod(R1, f"a@{item}", called="none") if ":" in item else service(item)
        try:
            self.shop.as_("admin").dry_run(f"{self.shop.path(found)}/{found['metadata']['name']}", found)
        except Refused:
            return True
        return False

    def lines_are_changed(self, who: str, before: Approved) -> None:
        """Somebody tried to change `azora-approved`: approvers changed their own lines alone, others none."""
        after = approved_of(self.shop.namespace)
        if who not in PEOPLE:
            assert before == after, f"{who} changed azora-approved"
            return
        for key in ("approved", "standing"):
            was, now = (
                [one for one in getattr(found, key) if not one.endswith(f" {who}")] for found in (before, after)
            )
            assert was == now, f"{who} changed lines of others"
        assert before.standing == after.standing, f"{who} took something over"
        own = [line.split(" ") for line in after.approved if line.endswith(f" {who}")]
        assert all(len(pair) == 2 for pair in own), f"{who} wrote a line with several names"
        self.now_given(who, {item for item, _ in own})

    @property
    def live_path(self) -> str:
        """Path of the live Service."""
        return f"{self.shop.path(LIVE)}/shop"

    @contextmanager
    def tried(self) -> Iterator[None]:
        """Attempt that the cluster may refuse."""
        try:
            yield
        except Unreachable:
            raise
        except AzoraError:
            self.overridden = None

    # -- people

    @rule(person=st.sampled_from(PEOPLE), number=numbers)
    def approve(self, person: str, number: int) -> None:
        self.shop.approve(person, *items(number))
        self.now_given(person, self.given[person] | items(number))

    @rule(person=st.sampled_from(PEOPLE), number=numbers)
    def withdraw(self, person: str, number: int) -> None:
        gone = {f"{item} {person}" for item in items(number)}
        kept = lambda found: tuple(line for line in found.approved if line not in gone)  # noqa: E731
        write_approved(self.shop.of(person), lambda found: replace(found, approved=kept(found)))
        self.now_given(person, self.given[person] - items(number))

    @rule(number=numbers)
    def override(self, number: int) -> None:
        """A person with the right moves users without an approval, with a new note in the same patch."""
        GatedShop.step += 1
        note = {"annotations": {OVERRIDE: f"{OLGA} reason {GatedShop.step}"}}
        self.overridden = label(number)
        self.shop.patch(OLGA, LIVE, {"metadata": note, "spec": {"selector": selector(label(number))}})

    # -- the pipeline

    @rule(number=numbers)
    def promote(self, number: int) -> None:
        """Install and switch as a run does: exactly what has its approvals goes through."""
        cluster = Cluster(self.shop.of("pipeline"))
        color = cluster.look().preview
        found = deployment(label(number), image(number), called=f"shop-{color}-front", color=color)
        path = f"{self.shop.path(found)}/{found['metadata']['name']}"
        allowed = self.counts(*items(number))
        try:
            once_read(cluster.namespace, lambda: cluster.namespace.api.apply(path, found))
            proved = StackRecord(release=label(number), revision=1, proved_at=datetime.now(UTC))
            cluster.record.set_stack(color, proved)
            until(lambda: is_ready(self.shop, color), seconds=30, what="ready pods", every=0.05)
            world = cluster.look()
            if world.stack(color).label != label(number):
                return  # a Deployment that somebody added: no run finds its stack proved
            by = {"by": f"run-{number}", "at": datetime.now(UTC), "came_from": world.active}
            writing.switch(cluster, world, world.switch_to(world.stack(color), "promotion", **by))
        except Refused:
            assert not allowed, f"{label(number)} was refused"
            return
        assert allowed, f"{label(number)} went through"

    @rule(person=st.sampled_from(["", ROSA]))
    def go_back(self, person: str) -> None:
        """Roll back by the pipeline's account, or by a person who may."""
        words = ("system:authenticated",)
        file = self.shop.server.kubeconfig(person, *words) if person else None
        folder = None if person else self.shop.server.folder
        settings = Settings(application="shop", node="none", kubeconfig=file, kube_context="it", identities=folder)
        with suppress(AzoraError):
            roll_back(self.shop.environment, None, settings, by=person or "run")

    # -- what must hold

    @invariant()
    def users_are_on_an_approved_release(self) -> None:
        found = self.shop.as_("admin").find(self.live_path)
        assert found is not None, "the live Service is gone"
        spec, chosen = found["spec"], found["spec"].get("selector") or {}
        release = chosen.get("azora.dev/release")
        assert chosen.get(NAME) == "shop"
        assert spec["type"] == "ClusterIP"
        assert not spec.get("externalIPs")
        known = release in {self.live, self.overridden} or self.counts(str(release))
        assert known, f"users came to {release} without an approval"
        self.live, self.overridden = str(release), None

    @invariant()
    def pods_run_approved_images(self) -> None:
        found = self.shop.as_("admin").get(f"{self.shop.namespace.core}/pods")["items"]
        ours = [one for one in ({"kind": "Pod", **item} for item in found) if belongs_to("shop", one)]
        for reference in images_of(ours):
            assert reference.partition("@")[2] in self.ever, f"a pod runs {reference}"
