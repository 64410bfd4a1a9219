"""One real Prefect server, shared by two applications, and what an older version left on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Timer
from typing import Any
from uuid import UUID

import pytest
from prefect import flow
from prefect._internal.pydantic.v2_schema import create_v2_schema
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import CronSchedule
from prefect.events.worker import EventsWorker
from prefect.input.run_input import keyset_from_base_key
from prefect.states import AwaitingRetry, Cancelled, Completed, Running, State, Suspended
from pydantic import create_model

from azora.config.settings import ROOT, Settings, settings
from azora.core.heartbeat import Automated
from azora.core.prefect_names import POOL, name_of, queue_of, tag_of
from azora.core.registered import Pool, registered_by, unknown, unlike
from azora.errors import BadInput, NotReadyYet, Refused
from azora.gateways.prefect import registration, waking
from azora.gateways.prefect.old_runs import ended_runs, over, remove_run, unfinished
from azora.gateways.prefect.registration import automation_seen, register
from azora.gateways.prefect.runs import answer, run_called, start, waiting
from azora.gateways.prefect.server import server_seen
from azora.gateways.prefect.superseded_runs import end_superseded
from azora.gateways.prefect.waiting_plan import WaitingPlan, waiting_plan
from azora.gateways.prefect.waking import wake
from azora.gateways.prefect.work_pool import pool_seen
from tasks.approval_requests import plan_field
from tasks.cluster_approval import Wake
from tasks.heartbeat import Heart
from tests.support.polling import until, until_it_is
from tests.support.prefect_server import prefect_server

OURS, THEIRS = "azora", "shop"
UPGRADED = "library"  # has no run but those of its test
PULL_STEP = "prefect.deployments.steps.set_working_directory"


@flow
def release() -> None:
    """A flow that both applications have."""


@flow
def smoke() -> None:
    """Another one."""


class Server:
    """The server as tests fill it; what the product sees of it goes through the product."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self.client = client
        self.flows = {one.name: client.create_flow(one) for one in (release, smoke)}
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))

    def deploy(self, flow: str, name: str, tags: list[str], folder: str | Path, **more: Any) -> UUID:
        steps = [{PULL_STEP: {"directory": str(folder)}}]
        return self.client.create_deployment(self.flows[flow], name, tags=tags, pull_steps=steps, **more)

    def run(self, deployment: UUID, *states: State[Any], name: str | None = None) -> FlowRun:
        """A run that went through *states*."""
        made = self.client.create_flow_run_from_deployment(deployment, name=name)
        for state in states:
            self.client.set_flow_run_state(made.id, state, force=True)
        return self.client.read_flow_run(made.id)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with prefect_server(tmp_path_factory.mktemp("prefect")), get_client(sync_client=True) as client:
        yield Server(client)
        EventsWorker.drain_all()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("AZORA_APPLICATION", UPGRADED)
    monkeypatch.setenv("AZORA_KUBE_CONTEXT", "none")  # or a running node's settings would be read
    settings.cache_clear()
    yield settings()
    settings.cache_clear()


def test_deployments_of_an_older_version(server: Server, here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of this checkout are removed; one with a waiting run stays, without its schedule."""
    nightly = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 2 * * *"), active=True)
    older = {"job_variables": {"command": f"setsid {ROOT}/.venv/bin/python -m prefect.engine"}, "work_pool_name": POOL}
    old = server.deploy("release", "release", ["release"], ROOT, schedules=[nightly], **older)
    server.deploy("release", name_of(UPGRADED, "release"), [tag_of(UPGRADED)], ROOT, **older)
    gone = server.deploy("smoke", "smoke", ["check"], ROOT, schedules=[nightly])
    foreign = server.deploy("smoke", "rollback", ["rescue"], "/srv/of-another-team", schedules=[nightly])
    waits = server.run(old, Running(), Suspended(timeout_seconds=600), name="release 1f2e3d4")
    ended = server.run(gone, Running(), Completed())
    assert waiting(application=UPGRADED) == []

    said = "\n".join(register(here))

    assert f"registered 8 deployments: {UPGRADED}-release, {UPGRADED}-deploy-staging" in said
    assert "removed the old deployment smoke" in said
    assert "kept the old deployment release, without schedules, until its runs finish: release 1f2e3d4 (Susp" in said
    assert [run.id for run in waiting(application=UPGRADED)] == [str(waits.id)]
    assert [item.name for item in ended_runs(application=UPGRADED)] == [str(ended.id)]
    assert server.client.read_deployment(old).schedules == []
    assert server.client.read_deployment(foreign).schedules != []
    here_now = registered_by((ROOT / "prefect.yaml").read_text(), UPGRADED, str(ROOT))
    seen = server_seen(POOL, application=UPGRADED).deployments
    assert len(seen) == 9
    assert (unlike(seen, here_now), unknown(seen, here_now), pool_seen()) == ([], [], Pool.CLOSED)
    assert server.client.read_deployment(old).job_variables == {}
    started = start("release", {"ref": "main"}, application=UPGRADED)
    assert server.client.read_flow_run(UUID(started.id)).work_queue_name == queue_of(UPGRADED)

    monkeypatch.setattr(registration, "_deploy", lambda *_: None)  # it is what it was
    server.client.set_flow_run_state(waits.id, Completed(), force=True)
    said = "\n".join(register(here))
    assert "removed the old deployment release" in said
    assert "exists already" in said, "the automation is not made anew"
    assert "of-another-team" in str(server.client.read_deployment(foreign).pull_steps)


def test_applications_on_one_server(server: Server) -> None:
    """No application lists, answers or removes runs of the other, by name or id."""
    runs = {}
    for application in (OURS, THEIRS):
        here = server.deploy("release", name_of(application, "shared"), [tag_of(application)], f"/srv/{application}")
        waits = server.run(here, Running(), Suspended(timeout_seconds=600), name=f"waits of {application}")
        runs[application] = (waits, server.run(here, Running(), Completed(), name=f"over of {application}"))

    for application, other in ((OURS, THEIRS), (THEIRS, OURS)):
        (waits, ended), (their_waits, their_ended) = runs[application], runs[other]
        assert str(waits.id) in {run.id for run in waiting(application=application)}
        assert str(their_waits.id) not in {run.id for run in waiting(application=application)} | {
            run.id for run in unfinished(application=application)
        }
        assert str(ended.id) in {item.name for item in ended_runs(application=application)}
        assert str(their_ended.id) not in {item.name for item in ended_runs(application=application)}
        for hidden in (str(their_waits.id), str(their_waits.id)[:10], f"waits of {other}"):
            with pytest.raises(BadInput, match="no run matches"):
                run_called(hidden, application=application)
        with pytest.raises(BadInput, match="no run matches"):
            answer(
                str(their_waits.id),
                application=application,
                decision="approve",
                approver="ada",
                reason="tested and awaited",
                plan="p",
            )
        for theirs in (their_waits, their_ended):
            with pytest.raises(Refused, match=f"it is not a run of {application}"):
                remove_run(str(theirs.id), application=application)
        with pytest.raises(BadInput, match=f"no such deployment of application '{application}'"):
            start(f"{other}-shared", {}, application=application)
    states = [server.client.read_flow_run(run.id).state_name for pair in runs.values() for run in pair]
    assert states == ["Suspended", "Completed"] * 2, "all are as they were"


def test_form_that_is_stored_late(server: Server) -> None:
    """Prefect stores the form of a waiting run after its state: the plan is read a moment later."""
    deployment = server.deploy("release", name_of("forms", "asks"), [tag_of("forms")], ROOT)
    keys = keyset_from_base_key("approval")
    waits = Suspended(timeout_seconds=600)
    waits.state_details.run_input_keyset = keys
    run = server.run(deployment, Running(), waits)

    def store() -> None:
        schema = json.dumps({"properties": {"plan": {"enum": ["1f2e"]}}})
        for key, value in ((keys["schema"], schema), (keys["description"], json.dumps("the plan"))):
            server.client.create_flow_run_input(run.id, key, value)

    later = Timer(1, store)
    later.start()
    assert waiting_plan(str(run.id)) == WaitingPlan(str(run.id), "1f2e", "the plan")
    later.join()


def test_run_that_people_wake(server: Server) -> None:
    """A run that waits for people is woken by who knows its plan; its form takes no approval; an ended run stays so."""
    deployment = server.deploy("release", name_of("people", "asks"), [tag_of("people")], ROOT)
    plan, keys = "1f2e" * 16, keyset_from_base_key("approval")
    waits = Suspended(timeout_seconds=600)
    waits.state_details.run_input_keyset = keys
    run = server.run(deployment, Running(), waits)
    schema = create_v2_schema("Wake", model_base=create_model("Wake", __base__=Wake, plan=(str, plan_field(plan))))
    for key, value in ((keys["schema"], json.dumps(schema)), (keys["description"], json.dumps("the plan"))):
        server.client.create_flow_run_input(run.id, key, value)
    assert not waiting_plan(str(run.id)).by_form
    with pytest.raises(Refused, match="could not answer run"):
        answer(str(run.id), application="people", decision="approve", approver="ada", reason="it is time", plan=plan)
    for decision, found in (("reject", {"decision": "reject"}), ("look again", {"plan": "0" * 64})):
        assert (
            server.client.resume_flow_run(run.id, run_input={"decision": decision, "plan": plan} | found).status
            != "ACCEPT"
        )
    with pytest.raises(Refused, match="could not wake run"):
        wake(str(run.id), "0" * 64)
    assert server.client.read_flow_run(run.id).state_name == "Suspended"
    assert wake(str(run.id), plan)
    assert server.client.read_flow_run(run.id).state_name == "Resuming"
    server.client.set_flow_run_state(run.id, Cancelled(), force=True)
    assert not wake(str(run.id), plan)
    server.client.delete_flow_run(run.id)
    with pytest.raises(BadInput, match="Prefect has no such run"):
        wake(str(run.id), plan)


def test_run_that_is_at_work(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that another answer woke is awaited, and not for ever."""
    deployment = server.deploy("release", name_of("people", "works"), [tag_of("people")], ROOT)
    run = server.run(deployment, Running())
    monkeypatch.setattr(waking, "AT_WORK_SECONDS", 0)
    with pytest.raises(Refused, match="it is Running and does not wait yet"):
        wake(str(run.id), "1f2e")


def test_runs_that_are_over(server: Server) -> None:
    """A run that was cancelled or deleted while it waited is over; a waiting one is not."""
    here = server.deploy("release", name_of(OURS, "asks"), [tag_of(OURS)], ROOT)
    waits, cancelled, deleted = (server.run(here, Running(), Suspended(timeout_seconds=600)) for _ in range(3))
    server.client.set_flow_run_state(cancelled.id, Cancelled(), force=True)
    server.client.delete_flow_run(deleted.id)
    ids = {str(run.id) for run in (waits, cancelled, deleted)}
    assert over(ids) == ids - {str(waits.id)}


def waits_with(key: str) -> State[Any]:
    return Suspended(timeout_seconds=600, pause_key=key)


def test_superseded_run(server: Server) -> None:
    """A run that waits with the request ends, and cannot be answered any more; any other run stays as it is.

    Its Retry is a new start, as that of any run that is over.
    """
    here = server.deploy("release", name_of(OURS, "older"), [tag_of(OURS)], ROOT)
    foreign = server.deploy("release", name_of(THEIRS, "older"), [tag_of(THEIRS)], ROOT)
    waits, again, ended, deleted = (
        server.run(here, Running(), state)
        for state in (waits_with("asked"), waits_with("asked again"), Cancelled(), waits_with("asked"))
    )
    theirs, works = server.run(foreign, Running(), waits_with("asked")), server.run(here, Running())
    server.client.delete_flow_run(deleted.id)

    def end(run: FlowRun) -> bool:
        return end_superseded(str(run.id), "a newer run asks", key="asked", application=OURS)

    runs = (waits, waits, again, ended, deleted, theirs)
    assert [end(run) for run in runs] == [True, True, True, True, False, False]
    with pytest.raises(NotReadyYet, match="it is Running"):
        end(works)
    now = [server.client.read_flow_run(run.id) for run in (waits, again, ended, theirs)]
    assert [run.state_name for run in now] == ["Superseded", "Suspended", "Cancelled", "Suspended"]
    assert now[0].state
    assert (now[0].state.type.value, now[0].state.message) == ("COMPLETED", "a newer run asks")
    with pytest.raises(Refused, match="it is Superseded and waits for no answer"):
        answer(
            str(waits.id),
            application=OURS,
            decision="approve",
            approver="ada",
            reason="tested and awaited",
            plan="p",
        )
    for state in (AwaitingRetry(), Running()):
        server.client.set_flow_run_state(waits.id, state, force=True)  # as Prefect's UI does
    assert server.client.read_flow_run(waits.id).run_count == 2


def test_automation(server: Server) -> None:
    """A disabled or changed automation is set up again, and the doctor finds it meanwhile."""
    application, client = "blog", server.client
    assert automation_seen(application) is Automated.MISSING
    wanted = registration.dead_runs(application)
    assert registration._automate(client, wanted).startswith("created")
    assert automation_seen(application) is Automated.SET_UP
    assert registration._automate(client, wanted).endswith("exists already")
    (made,) = client.read_automations_by_name(wanted.name)
    client.pause_automation(made.id)
    assert automation_seen(application) is Automated.DISABLED
    assert registration._automate(client, wanted).startswith("created")
    other = wanted.model_copy(update={"description": "by hand"})
    assert registration._automate(client, other).startswith("created")
    assert automation_seen(application) is Automated.OTHER


def test_run_without_a_heartbeat(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """It crashes; suspended, finished and other applications' runs are left alone."""
    monkeypatch.setattr(registration, "SILENCE", timedelta(seconds=10))  # Prefect takes no less
    registration._automate(server.client, registration.dead_runs("quiet"))
    here = server.deploy("smoke", "quiet-smoke", [tag_of("quiet")], ROOT)
    elsewhere = server.deploy("smoke", "loud-smoke", [tag_of("loud")], ROOT)
    dead, rests, foreign, ended = (server.run(one, Running()) for one in (here, here, elsewhere, here))
    for run in (dead, rests, foreign, ended):
        Heart(str(run.id), run.tags)._send("azora.run.heartbeat")
    Heart(str(rests.id), rests.tags)._send("azora.run.rest")
    server.client.set_flow_run_state(rests.id, Suspended(timeout_seconds=600), force=True)
    server.client.set_flow_run_state(ended.id, Completed(), force=True)

    def states() -> list[str | None]:
        return [server.client.read_flow_run(run.id).state_name for run in (dead, rests, foreign, ended)]

    until(lambda: states()[0] != "Running", seconds=90, what="the dead run is ended", every=1)
    until_it_is(
        ["Crashed", "Suspended", "Running", "Completed"], states, seconds=6, what="the others are left alone", every=1
    )
    assert "no heartbeat" in str(server.client.read_flow_run(dead.id).state.message)  # type: ignore[union-attr]
