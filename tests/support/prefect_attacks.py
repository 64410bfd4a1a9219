"""Attacks on a run that waits for an approval, by whoever has Prefect's password.

They are requests to Prefect's own API.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from _pytest.mark.structures import ParameterSet

from azora.config.settings import ROOT
from azora.gateways.prefect.run_labels import label
from azora.gateways.prefect.waiting_plan import LOOK_AGAIN
from tests.support.asked import NEW
from tests.support.asking_run import OTHER, AskingRun

Attack = Callable[[AskingRun], object]
ANSWER = {"decision": "approve", "approver": "Ada", "reason": "seen on staging"}
ANOTHER_PLAN = "f" * 64
HARMLESS = "2 of 2 approvals: a harmless change"


def sent(run: AskingRun, method: str, path: str, body: object = None) -> Any:
    """Send a request to Prefect, which accepts it; returns its answer. `{id}` in *path* is the run's."""
    with httpx.Client(base_url=str(run.client.api_url)) as api:
        answer = api.request(method, path.format(id=run.id), json=body)
    assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def forced(kind: str, name: str = "") -> Attack:
    """Set a state by force; a worker starts the run anew where it is one of SCHEDULED."""
    state = {"type": kind, "name": name or kind.title()}
    return lambda run: sent(run, "POST", "/flow_runs/{id}/set_state", {"state": state, "force": True})


def restarted(run: AskingRun, *fired: str) -> None:
    """Start the run anew by force, as if its form had been answered: a resume is no new attempt.

    *fired*: more pause keys at which Prefect suspends no more.
    """
    known = run.read().empirical_policy.pause_keys or set()
    policy = {"pause_keys": sorted({*known, *fired}), "resuming": True}
    sent(run, "PATCH", "/flow_runs/{id}", {"empirical_policy": policy})
    forced("SCHEDULED")(run)


def after(*attacks: Attack) -> Attack:
    """The *attacks* in this order, and a restart by force."""
    return lambda run: [attack(run) for attack in (*attacks, restarted)]


def changed_parameters(run: AskingRun) -> None:
    """The run is about another commit, by its parameters."""
    sent(run, "PATCH", "/flow_runs/{id}", {"parameters": {"environment": run.environment.name, "ref": "other"}})


def written_input(run: AskingRun, key: str, answer: dict[str, str]) -> None:
    """Store *answer* as if the form of request *key* had been answered."""
    body = {"key": f"suspended-{key}-response", "value": json.dumps(answer)}
    sent(run, "POST", "/flow_runs/{id}/input", body)


def answer_written(run: AskingRun) -> None:
    """An approval of the very plan, as the answer to the request that waits."""
    written_input(run, run.request.key, ANSWER | {"plan": run.plan})


def answer_of_another_plan(run: AskingRun) -> None:
    """An approval of another plan, as the answer to the request that waits."""
    written_input(run, run.request.key, ANSWER | {"plan": ANOTHER_PLAN})


def answer_to_another_request(run: AskingRun) -> None:
    """Approvals of the very plan, by keys of requests of the past, of the future, and of another attempt."""
    for key in (key_of(run, 1, 9), key_of(run, 2, 1), run.request.key.replace(run.plan, ANOTHER_PLAN)):
        written_input(run, key, ANSWER | {"plan": run.plan})


def key_of(run: AskingRun, attempt: int, vote: int) -> str:
    return f"{run.environment.name}-{attempt}-{vote}-{run.plan}"


def pause_keys(run: AskingRun) -> None:
    """Prefect takes the next request for answered: its pause key has fired, and its answer is there."""
    request = run.request
    following = key_of(run, request.attempt, request.vote + 1)
    answer = {"decision": LOOK_AGAIN} if run.environment.has_a_gate else ANSWER  # what the form would take
    written_input(run, following, answer | {"plan": run.plan})
    restarted(run, following)


def another_form(run: AskingRun) -> None:
    """The form is replaced by one that takes an approval of another plan, and is answered."""
    key = f"suspended-{run.request.key}-schema"
    shown = {"properties": {"plan": {"enum": [ANOTHER_PLAN]}}}
    sent(run, "DELETE", f"/flow_runs/{{id}}/input/{key}")
    sent(run, "POST", "/flow_runs/{id}/input", {"key": key, "value": json.dumps(shown)})
    assert run.answered(ANOTHER_PLAN) == ""


def open_form(run: AskingRun) -> None:
    """The form is replaced by one that takes everything, and is answered with the very plan."""
    key, plan = f"suspended-{run.request.key}-schema", run.plan
    sent(run, "DELETE", f"/flow_runs/{{id}}/input/{key}")
    sent(run, "POST", "/flow_runs/{id}/input", {"key": key, "value": "{}"})
    assert run.answered(plan) == ""


def changed_labels(run: AskingRun) -> None:
    """The run is about another commit, by its labels."""
    label(str(run.id), {"azora.dev/commit": OTHER.commit})


def changed_request(run: AskingRun) -> None:
    """The labels have another commit, and no request."""
    label(str(run.id), {"azora.dev/commit": OTHER.commit, f"azora.dev/request.{run.environment.name}": ""})


def request_for_another_release(run: AskingRun) -> None:
    """The labels have another commit, and the request that waits as if it were for that commit's release."""
    request = run.request
    bound = run.asking.plan.bound
    assert bound.release == NEW.id
    forged = json.loads(request.model_dump_json())
    forged["bound"]["release"] = OTHER.id
    label(
        str(run.id), {"azora.dev/commit": OTHER.commit, f"azora.dev/request.{run.environment.name}": json.dumps(forged)}
    )


def finished_tasks(run: AskingRun) -> None:
    """Each task of the run, the count of approvals among them, is set to Completed with a result."""
    flow_run = {"flow_runs": {"id": {"any_": [str(run.id)]}}}
    found = sent(run, "POST", "/task_runs/filter", flow_run)
    assert found
    for one in found:
        state = {"type": "COMPLETED", "name": "Completed", "data": {"minimum": 0}}
        path = f"/task_runs/{one['id']}"
        sent(run, "POST", f"{path}/set_state", {"state": state, "force": True})


def changed_pages(run: AskingRun) -> None:
    """Pages of the run and the text of its form show another release, and two approvals."""
    for found in sent(run, "POST", "/artifacts/filter", {"flow_runs": {"id": {"any_": [str(run.id)]}}}):
        sent(run, "PATCH", f"/artifacts/{found['id']}", {"data": HARMLESS})
    key = f"suspended-{run.request.key}-description"
    sent(run, "DELETE", f"/flow_runs/{{id}}/input/{key}")
    sent(run, "POST", "/flow_runs/{id}/input", {"key": key, "value": json.dumps(HARMLESS)})


def of_attempt(run: AskingRun, attempt: int) -> str:
    """The newest request of *run* as one of another attempt, as a label keeps it."""
    return run.request.model_copy(update={"attempt": attempt}).model_dump_json()


def another_entrypoint(run: AskingRun) -> str:
    """The run's deployment starts another flow; returns the entrypoint that Prefect has now."""
    body = {"entrypoint": f"{ROOT}/tests/support/evil_flow.py:steals"}
    sent(run, "PATCH", f"/deployments/{run.deployment}", body)
    restarted(run)
    return str(run.client.read_deployment(run.deployment).entrypoint)


WHO = {
    "cluster": "the count of approvals in the cluster, policy azora-live",
    "form": "the run: no answer to this request and plan",
}


def case(
    what: str,
    attack: Attack,
    outcome: str = f"Suspended for {NEW.commit[:7]}",
    *,
    by: str = "",
    only: str = "",
    quick: str = "",
) -> list[ParameterSet]:
    """An attack for each way to approve, with its marker.

    *by*: what refuses it, where that is not the usual. *only*: the one way that has it. *quick*: the way that every commit tries.
    """
    return [
        pytest.param(
            way,
            attack,
            outcome,
            id=f"{what}, {way}",
            marks=[
                pytest.mark.attack(f"with Prefect's password (`by: {way}`): {what}", by=by or who),
                *([] if way == quick else [pytest.mark.slow]),
            ],
        )
        for way, who in WHO.items()
        if only in ("", way)
    ]


FIXED, OWN_REQUEST = "the commit that the run fixed", "the request that the run keeps"
NO_PAUSE = "the run: no step follows a request that did not suspend it"
ATTACKS = [
    *case("the waiting run is set to Scheduled", forced("SCHEDULED")),
    *case("the waiting run is set to Scheduled, as if it was resumed", after(), quick="form"),
    *case("the waiting run is set to Running", after(forced("RUNNING"))),
    *case("the waiting run is set to Completed and tried again", after(forced("COMPLETED"))),
    *case("the waiting run is set to AwaitingRetry", forced("SCHEDULED", "AwaitingRetry")),
    *case("the waiting run's parameters name another commit", after(changed_parameters), by=FIXED, quick="cluster"),
    *case(
        "the waiting run's labels name another commit",
        after(changed_labels),
        "this run requested one of",
        by=OWN_REQUEST,
    ),
    *case(
        "the waiting run's labels name another commit, and no request",
        after(changed_request),
        "Suspended for bbbbbbb",
        quick="cluster",
    ),
    *case(
        "the waiting run's labels name another commit, and a request for it",
        after(request_for_another_release),
        "Suspended for bbbbbbb",
    ),
    *case(
        "the waiting run's next pause keys and answers are written",
        pause_keys,
        "Prefect did not suspend the run",
        by=NO_PAUSE,
        quick="cluster",
    ),
    *case("an approval is written as its answer", after(answer_written), only="cluster", quick="cluster"),
    *case("an approval of another plan is written as its answer", after(answer_of_another_plan), quick="form"),
    *case("approvals are written as answers to other requests", after(answer_to_another_request)),
    *case("the waiting run's form is replaced by one of another plan", another_form),
    *case("the waiting run's form is replaced by one that takes an approval", open_form, only="cluster"),
    *case("the waiting run's tasks are set to Completed, with results", after(finished_tasks)),
]
