"""A run that asks people, and attacks on it with Prefect's password.

A real Prefect server and a real API server, without a node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.worker import EventsWorker
from prefect.flow_engine import run_flow_sync
from prefect.flows import load_flow_from_entrypoint
from prefect.states import AwaitingRetry

from azora.core.promotion.approval import Decision
from azora.core.record.entry import readable
from azora.core.release.release import Release
from azora.errors import Refused
from azora.gateways.prefect.run_labels import label
from azora.gateways.prefect.waiting_plan import waiting_plan
from azora.operations.record.export import export
from tasks import approval_forms, approval_requests, cluster_approval, promotion, supersede
from tests.support import prefect_attacks as attacks
from tests.support.api_server import ApiServer, api_server
from tests.support.asked import NEW, Asking
from tests.support.asking_run import OTHER, AskingRun, move_users, shop_for, without_charts_and_git
from tests.support.attacks import component_of
from tests.support.gated import ADA, BOB, R1, Gated
from tests.support.prefect_attacks import Attack
from tests.support.prefect_server import prefect_server


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncPrefectClient]:
    with prefect_server(tmp_path_factory.mktemp("prefect")), get_client(sync_client=True) as found:
        yield found
        EventsWorker.drain_all()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("api-server")) as running:
        yield running


Ask = Callable[..., AskingRun]


@pytest.fixture
def ask(client: SyncPrefectClient, server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """A run that waits for two people of the cluster, or for the form; in a shop of its own, or in *shop*."""

    def begun(by: str, shop: Gated | None = None) -> AskingRun:
        without_charts_and_git(monkeypatch)
        run = AskingRun(client, Asking(shop or shop_for(server, by)))
        assert run.goes_on() == "Suspended"
        return run

    return begun


@pytest.fixture
def asked(ask: Ask) -> AskingRun:
    """A run that waits for two people of the cluster."""
    return ask("cluster")


@pytest.fixture(scope="module")
def attacked() -> dict[str, AskingRun]:
    """The run that was attacked last, for each way to approve."""
    return {}


@pytest.fixture
def waits(ask: Ask, attacked: dict[str, AskingRun], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """A run that waits as it began: the one that was attacked last, or another one in its shop."""

    def found(by: str) -> AskingRun:
        without_charts_and_git(monkeypatch)
        run = attacked.get(by)
        if run is None or not run.waits_as_it_began:
            attacked[by] = ask(by, run and run.asking.shop)
        return attacked[by]

    return found


def deadline_of(asked: AskingRun) -> datetime:
    (question,) = asked.asking.cluster().look().questions
    return question.until


def test_two_people_through_prefect(asked: AskingRun) -> None:
    """The run waits on while approvals are missing, with the same deadline; then it goes on in both names."""
    first = deadline_of(asked)
    assert "0 of 2 approvals: 2 more people" in asked.page
    asked.asking.answer(ADA)
    assert asked.woken() == "Suspended"
    assert f"1 of 2 approvals: 1 more person (approved by `{ADA}`)" in asked.page
    assert deadline_of(asked) == first
    asked.asking.answer(BOB)
    assert asked.woken() == "Completed"
    assert asked.users == NEW.label
    (given,) = asked.asking.cluster().record.approvals()
    assert given.approver == f"{ADA}, {BOB}"
    assert given.run == str(asked.id)
    found = export(asked.asking.cluster())
    assert [entry.event.kind for entry in readable(found.lines)] == ["begun", "requested", "approved", "approved"]
    assert found.fault() is None
    assert asked.asking.cluster().look().questions == ()


def test_rejection_through_prefect(asked: AskingRun) -> None:
    """One rejection in the cluster ends the run, whoever approved."""
    asked.asking.answer(ADA)
    asked.asking.answer(BOB, Decision.REJECT, "carts are empty")
    assert asked.woken() == "Completed"
    assert asked.users == R1
    assert asked.asking.cluster().record.approvals() == ()
    assert '"kind":"rejected"' in export(asked.asking.cluster()).lines[-1]
    assert export(asked.asking.cluster()).fault() is None
    with pytest.raises(Refused, match="waits for no answer"):
        waiting_plan(str(asked.id))


def test_approval_by_the_form(ask: Ask) -> None:
    """The answer to the plan that was shown moves users; Prefect's form takes no other one."""
    run = ask("form")
    assert attacks.ANOTHER_PLAN in run.answered(attacks.ANOTHER_PLAN)
    assert run.answered(run.plan) == ""
    assert run.goes_on() == "Completed"
    assert run.users == NEW.label


def test_approval_that_is_written(ask: Ask) -> None:
    """With `by: form`, whoever has Prefect's password approves, also past the form."""
    run = ask("form")
    attacks.answer_written(run)
    attacks.restarted(run)
    assert run.goes_on() == "Completed"
    assert run.users == NEW.label


# -- with Prefect's password

ASKING = (approval_forms, approval_requests, cluster_approval, promotion, supersede)


@pytest.mark.parametrize(("by", "attack", "outcome"), attacks.ATTACKS)
def test_attack_on_a_waiting_run(waits: Ask, by: str, attack: Attack, outcome: str) -> None:
    """The run waits on or fails, users stay, nothing counts as an approval; the cluster refuses the account, too."""
    run = waits(by)
    before = run.request.key
    attack(run)
    run.goes_on()
    assert outcome in run.outcome
    assert run.users == R1
    assert run.asking.cluster().record.approvals() == ()
    if run.waits:
        assert run.request.key != before
    if by == "cluster":
        assert not run.waits or "0 of 2 approvals: 2 more people" in run.page
        must_be_refused(run, NEW, OTHER)


def must_be_refused(run: AskingRun, *releases: Release) -> None:
    """The cluster lets the pipeline's own account switch to none of *releases*."""
    for release in releases:
        with pytest.raises(Refused) as refused:
            move_users(run.asking.shop, release.label)
        assert component_of(refused.value.message) == "policy azora-live"


@pytest.mark.parametrize(
    "by",
    [
        pytest.param(
            way,
            marks=pytest.mark.attack(
                f"with Prefect's password (`by: {way}`): the approved release is exchanged for another", by=who
            ),
        )
        for way, who in attacks.WHO.items()
    ],
)
def test_release_that_is_exchanged(ask: Ask, by: str) -> None:
    """After the approval, the labels name another commit and no request: the approval is not for that commit's plan."""
    run = ask(by)
    if by == "form":
        assert run.answered(run.plan) == ""
    for user in (ADA, BOB) if by == "cluster" else ():
        run.asking.answer(user)
    attacks.changed_request(run)
    attacks.restarted(run)
    assert run.goes_on() == "Suspended"
    assert run.users == R1
    assert run.asking.cluster().record.approvals() == ()
    if by == "cluster":
        assert "0 of 2 approvals: 2 more people" in run.page
        must_be_refused(run, OTHER)


@pytest.mark.attack(
    "with Prefect's password (`by: cluster`): pages and the form's text show another release",
    by="the plan that the approver's command computes",
)
def test_pages_that_are_changed(waits: Ask) -> None:
    """The approver's command shows the plan of the cluster; the run writes its page anew."""
    run = waits("cluster")
    attacks.changed_pages(run)
    assert run.page == attacks.HARMLESS
    shown = run.asking.waiting(ADA).page
    assert "Sell more" in shown
    assert attacks.HARMLESS not in shown
    assert run.woken() == "Suspended"
    assert "0 of 2 approvals: 2 more people" in run.page


@pytest.mark.attack(
    "with Prefect's password (`by: cluster`): another run has the labels of an approved one",
    by="the count of approvals in the cluster",
)
def test_labels_of_another_run(asked: AskingRun) -> None:
    """Approvals name the run that asked; those of another run do not count."""
    for user in (ADA, BOB):
        asked.asking.answer(user)
    labels = asked.read().labels
    thief = AskingRun(asked.client, Asking(asked.asking.shop))
    label(str(thief.id), {name: text for name, text in labels.items() if name.startswith("azora.dev/")})
    assert thief.goes_on() == "Suspended"
    assert "0 of 2 approvals: 2 more people" in thief.page
    assert asked.users == R1


@pytest.mark.attack(
    "with Prefect's password (`by: cluster`): a deployment's entrypoint is changed",
    by="policies azora-approvals, azora-images, azora-live, azora-record; RBAC",
)
def test_another_entrypoint(asked: AskingRun) -> None:
    """The run does what the worker's user may do: it moves nobody, approves nothing and installs nothing."""
    stolen = load_flow_from_entrypoint(attacks.another_entrypoint(asked), use_placeholder_flow=False)
    assert run_flow_sync(stolen, flow_run=asked.read(), parameters=asked.read().parameters) == {
        "approve": "policy azora-approvals",
        "record an approval": "",
        "switch": "policy azora-live",
        "delete the live Service": "policy azora-live",
        "install": "policy azora-images",
        "change an image": "policy azora-images",
        "delete the record": "policy azora-record",
        "turn the gate off": "RBAC",
    }
    assert asked.users == R1


@pytest.mark.attack("results of tasks are changed in Prefect's storage", by="the tasks: none of an approval keeps one")
def test_results_of_tasks() -> None:
    """No task of an approval or of a promotion keeps a result that another start of the run would read."""
    tasks = {name: task for module in ASKING for name, task in vars(module).items() if isinstance(task, Task)}
    assert len(tasks) > 8
    assert [name for name, task in tasks.items() if task.cache_policy != NO_CACHE or task.persist_result] == []


@pytest.mark.attack(
    "with Prefect's password (`by: form`): an answer of before is given again after a Retry",
    by="the run: no answer to this request and plan",
)
def test_replayed_answer_to_a_form(ask: Ask) -> None:
    """Retry asks anew, also where the old request is made that of the new attempt, and users went back meanwhile."""
    run = ask("form")
    assert run.answered(run.plan) == ""
    assert run.goes_on() == "Completed"
    label(str(run.id), {f"azora.dev/request.{run.environment.name}": attacks.of_attempt(run, 2)})
    move_users(run.asking.shop, R1)
    run.client.set_flow_run_state(run.id, AwaitingRetry(), force=True)
    assert run.goes_on() == "Suspended"
    assert run.users == R1


@pytest.mark.attack(
    "with Prefect's password (`by: cluster`): answers of before are given again after a Retry",
    by="the count of approvals in the cluster",
)
def test_answers_that_are_replayed(asked: AskingRun) -> None:
    """Retry asks anew, also where somebody with Prefect's password makes the old request that of the new attempt."""
    for user in (ADA, BOB):
        asked.asking.answer(user)
    assert asked.woken() == "Completed"
    label(str(asked.id), {f"azora.dev/request.{asked.environment.name}": attacks.of_attempt(asked, 2)})
    move_users(asked.asking.shop, R1)
    asked.client.set_flow_run_state(asked.id, AwaitingRetry(), force=True)
    assert asked.goes_on() == "Suspended"
    assert "0 of 2 approvals" in asked.page
    assert f"the approval of {ADA} does not count: it was used up by an earlier attempt of the run" in asked.page
