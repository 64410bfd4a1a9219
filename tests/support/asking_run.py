"""A run that asks for an approval and then moves users.

It needs a real Prefect server and a real API server, and no node.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow_sync

from azora.config.environment import ApprovalPolicy, Environment
from azora.config.settings import settings
from azora.core.prefect_names import tag_of
from azora.core.promotion.approval import Request
from azora.core.promotion.plan import Plan
from azora.core.release.release import Release
from azora.core.release.rendered import normal
from azora.gateways.git.repository import Commit
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.prefect.run_labels import last_request
from azora.gateways.prefect.runs import pages
from azora.gateways.prefect.waiting_plan import waiting_plan
from azora.gateways.prefect.waking import wake
from tasks import approval, approval_forms, approval_requests, cluster_approval, source, supersede
from tests.support.api_server import ApiServer
from tests.support.asked import DATABASE, NEW, Asking
from tests.support.gated import R1, Gated, configuration, deployment, gated, image, selector, service
from tests.support.plans import planned

OTHER = NEW.model_copy(update={"commit": "b" * 40, "images": {"front": image(3)}})
RELEASES = {one.commit: one for one in (NEW, OTHER)}
REFS = {"main": NEW.commit, "other": OTHER.commit}
SHOWN = {"shop-green": normal([deployment(NEW.label, image(2), DATABASE)])}
LIVE = service(R1)
BY_FORM = ApprovalPolicy.model_validate({"by": "form"})

_ASKED: dict[str, Asking] = {}  # by the environment's name


@flow
def asks(environment: str, ref: str = "main") -> str:
    """Ask about the commit of *ref*; then move users to its release, with the pipeline's own account."""
    release = RELEASES[source.find_commit(ref).sha]
    given = approval.ask(environment, release, SHOWN)
    if given is None:
        return "rejected"
    move_users(shop_of(environment), release.label)
    return given.approver


def move_users(shop: Gated, release: str) -> None:
    """Patch the live Service as the pipeline's account."""
    shop.patch("pipeline", LIVE, {"spec": {"selector": selector(release)}})


class AskingRun:
    """A run of the flow; each step is what its worker would do after a resume."""

    def __init__(self, client: SyncPrefectClient, asking: Asking) -> None:
        self.client, self.asking = client, asking
        _ASKED[self.environment.name] = asking
        name, tags = f"asks-{uuid4()}", [tag_of(settings().application)]
        self.deployment = client.create_deployment(client.create_flow(asks), name, tags=tags)
        self.id = self.begun()
        asking.run = str(self.id)

    def begun(self) -> UUID:
        """Id of a new run of the same deployment."""
        parameters = {"environment": self.environment.name, "ref": "main"}
        return self.client.create_flow_run_from_deployment(self.deployment, parameters=parameters).id

    def goes_on(self) -> str:
        """Name of the state after the process of the run ended."""
        with suppress(Pause):  # ends the process of a run that suspends
            now = self.read()
            run_flow_sync(asks, flow_run=now, parameters=now.parameters, return_type="state")
        return str(self.read().state_name)

    def read(self) -> FlowRun:
        return self.client.read_flow_run(self.id)

    def woken(self) -> str:
        """Wake a run that waits for people of the cluster."""
        assert wake(str(self.id), self.plan)
        return self.goes_on()

    def answered(self, plan: str) -> str:
        """Approve *plan* by the form, as Prefect's page does; what Prefect says, empty where it accepts."""
        given = {"decision": "approve", "approver": "Ada", "reason": "seen on staging", "plan": plan}
        result = self.client.resume_flow_run(self.id, run_input=given)
        return "" if result.status.value == "ACCEPT" else str(getattr(result.details, "reason", result.status.value))

    @property
    def waits(self) -> bool:
        return self.read().state_name == "Suspended"

    @property
    def outcome(self) -> str:
        """State, with what it asks for while it waits, or why it ended."""
        state = self.read().state
        assert state
        asks = next((one.commit for one in RELEASES.values() if one.id == self.request.bound.release), "nothing")
        return f"Suspended for {asks[:7]}" if state.is_paused() else f"{state.name}: {state.message}"

    @property
    def waits_as_it_began(self) -> bool:
        """Return True while it waits, about the commit that it began with."""
        now = self.read()
        fixed = (now.parameters["ref"], now.labels.get("azora.dev/commit"))
        return (now.state_name, fixed) == ("Suspended", ("main", NEW.commit))

    @property
    def environment(self) -> Environment:
        return self.asking.shop.environment

    @property
    def plan(self) -> str:
        """Hash of the plan that it waits with."""
        return waiting_plan(str(self.id)).hash

    @property
    def request(self) -> Request:
        """Its newest request."""
        request = last_request(str(self.id), self.environment.name)
        assert request
        return request

    @property
    def page(self) -> str:
        return [found.text for found in pages(str(self.id)) if found.key.endswith("-plan")][-1]

    @property
    def users(self) -> str:
        """Label of the release that users reach."""
        found = self.asking.shop.as_("admin").get(f"{self.asking.shop.path(LIVE)}/shop")
        return str(found["spec"]["selector"]["azora.dev/release"])


def shop_of(environment: str) -> Gated:
    """Shop of the *environment* in which a run asked."""
    return _ASKED[environment].shop


def shop_for(server: ApiServer, by: str) -> Gated:
    """A shop whose approvals are given *by* two people of the `cluster`, or by the `form`."""
    if by == "cluster":
        return gated(server, minimum=2)
    here = configuration(f"s{uuid4().hex[:8]}").model_copy(update={"approval": BY_FORM})
    shop = Gated(server, here)
    shop.prepare()
    return shop


def without_charts_and_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs read the cluster of their shop; the commits are those of `REFS`."""
    for module in (approval, approval_requests, approval_forms, cluster_approval, supersede):
        _replace(
            monkeypatch,
            module,
            environment_called=lambda name: shop_of(name).environment,
            cluster_of=lambda name: _ASKED[name].cluster(),
            plan_now=_plan,
            with_evidence=lambda plan, *_: plan,
        )
    nothing: Callable[..., None] = lambda *_: None  # noqa: E731
    _replace(
        monkeypatch,
        source,
        resolve=lambda ref, _: _commit(REFS.get(ref, ref)),
        checkout=nothing,
        must_be_apart=nothing,
        must_be_releasable=nothing,
        must_be_whole=nothing,
    )


def _commit(sha: str) -> Commit:
    return Commit(sha, sha[:7], RELEASES[sha].subject, "Ada", "ada@example.org")


def _plan(environment: Environment, release: Release, **_: Any) -> Plan:
    asking = _ASKED[environment.name]
    cluster: Cluster = asking.cluster()
    return planned(cluster.look(), release, environment, authors=asking.authors)


def _replace(monkeypatch: pytest.MonkeyPatch, module: ModuleType, **parts: Callable[..., Any]) -> None:
    replace = partial(monkeypatch.setattr, module)
    for name, part in parts.items():
        if hasattr(module, name):
            replace(name, part)
