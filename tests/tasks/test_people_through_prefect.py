"""A run that asks people, on a real Prefect server and a real API server, without a node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.events.worker import EventsWorker
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow_sync
from prefect.states import AwaitingRetry

from azora.core.promotion.approval import Decision
from azora.core.record.entry import readable
from azora.core.release.rendered import normal
from azora.errors import Refused
from azora.gateways.prefect.run_labels import label, last_request
from azora.gateways.prefect.runs import pages
from azora.gateways.prefect.waiting_plan import waiting_plan
from azora.gateways.prefect.waking import wake
from azora.operations.record.export import export
from tasks import approval, approval_forms, approval_requests, cluster_approval, supersede
from tests.support.api_server import ApiServer, api_server
from tests.support.asked import DATABASE, NEW, Asking
from tests.support.gated import ADA, BOB, deployment, gated, image
from tests.support.prefect_server import prefect_server

SHOWN = {"shop-green": normal([deployment(NEW.label, image(2), DATABASE)])}


@flow
def asks(environment: str) -> str:
    """Ask people of the environment."""
    given = approval.ask(environment, NEW, SHOWN)
    return given.approver if given else "rejected"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncPrefectClient]:
    with prefect_server(tmp_path_factory.mktemp("prefect")), get_client(sync_client=True) as found:
        yield found
        EventsWorker.drain_all()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("api-server")) as running:
        yield running


class Asks:
    """A run of the flow; each step is what its worker would do after a resume."""

    def __init__(self, client: SyncPrefectClient, asking: Asking) -> None:
        self.client, self.asking = client, asking
        made = client.create_deployment(client.create_flow(asks), "asks")
        parameters = {"environment": asking.shop.environment.name}
        self.id = client.create_flow_run_from_deployment(made, parameters=parameters).id
        asking.run = str(self.id)

    def goes_on(self) -> str:
        """Name of the state after the process of the run ended."""
        with suppress(Pause):  # ends the process of a run that suspends
            now = self.read()
            run_flow_sync(asks, flow_run=now, parameters=now.parameters, return_type="state")
        return str(self.read().state_name)

    def read(self) -> FlowRun:
        return self.client.read_flow_run(self.id)

    def woken(self) -> str:
        assert wake(str(self.id), waiting_plan(str(self.id)).hash)
        return self.goes_on()

    @property
    def page(self) -> str:
        return [found.text for found in pages(str(self.id)) if found.key.endswith("-plan")][-1]


@pytest.fixture
def asked(client: SyncPrefectClient, server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Asks:
    """A run that waits for two people."""
    asking = Asking(gated(server, minimum=2))
    for module in (approval, approval_requests, approval_forms, cluster_approval, supersede):
        for name, part in (
            ("environment_called", lambda _: asking.shop.environment),
            ("cluster_of", lambda _: asking.cluster()),
            ("plan_now", lambda *_, **__: asking.plan),
        ):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, part)
    monkeypatch.setattr(cluster_approval, "with_evidence", lambda plan, *_: plan)  # there are no charts here
    run = Asks(client, asking)
    assert run.goes_on() == "Suspended"
    return run


def state_of(asked: Asks) -> Any:
    return asked.read().state


def test_two_people_through_prefect(asked: Asks) -> None:
    """The run waits on while approvals are missing, with the same deadline; then it goes on in both names."""
    first = state_of(asked).state_details.pause_timeout
    assert "0 of 2 approvals: 2 more people" in asked.page
    asked.asking.answer(ADA)
    assert asked.woken() == "Suspended"
    assert f"1 of 2 approvals: 1 more person (approved by {ADA})" in asked.page
    assert abs((state_of(asked).state_details.pause_timeout - first).total_seconds()) < 2
    asked.asking.answer(BOB)
    assert asked.woken() == "Completed"
    (given,) = asked.asking.cluster().record.approvals()
    assert given.approver == f"{ADA}, {BOB}"
    assert given.run == str(asked.id)
    found = export(asked.asking.cluster())
    assert [entry.event.kind for entry in readable(found.lines)] == ["begun", "requested", "approved", "approved"]
    assert found.fault() is None
    assert asked.asking.cluster().look().questions == ()


def test_rejection_through_prefect(asked: Asks) -> None:
    """One rejection in the cluster ends the run, whoever approved."""
    asked.asking.answer(ADA)
    asked.asking.answer(BOB, Decision.REJECT, "carts are empty")
    assert asked.woken() == "Completed"
    assert asked.asking.cluster().record.approvals() == ()
    assert '"kind":"rejected"' in export(asked.asking.cluster()).lines[-1]
    assert export(asked.asking.cluster()).fault() is None
    with pytest.raises(Refused, match="waits for no answer"):
        waiting_plan(str(asked.id))


def test_answers_that_are_replayed(asked: Asks) -> None:
    """Retry asks anew, also where somebody with Prefect's password makes the old request that of the new attempt."""
    for user in (ADA, BOB):
        asked.asking.answer(user)
    assert asked.woken() == "Completed"
    name = asked.asking.shop.environment.name
    old = last_request(str(asked.id), name)
    assert old
    forged = old.model_copy(update={"attempt": 2})
    label(str(asked.id), {f"azora.dev/request.{name}": forged.model_dump_json()})
    asked.client.set_flow_run_state(asked.id, AwaitingRetry(), force=True)
    assert asked.goes_on() == "Suspended"
    assert "0 of 2 approvals" in asked.page
    assert f"the approval of {ADA} does not count: it was used up by an earlier attempt of the run" in asked.page
