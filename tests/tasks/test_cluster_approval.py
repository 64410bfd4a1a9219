"""A run that asks people of the cluster: its form approves nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect._internal.pydantic.v2_schema import create_v2_schema
from prefect.utilities.schema_tools import ValidationError, validate

from azora.core.cluster.freeze import Freeze
from azora.core.cluster.record import Replacement
from azora.core.gate.tally import Tally, Voice
from azora.core.promotion.approval import Decision, Request, next_request
from azora.errors import Refused
from azora.gateways.prefect.run_labels import Stored
from tasks import cluster_approval as asking
from tasks.cluster_approval import form_of
from tasks.supersede import Superseded
from tests.support.gated import ADA, ANSWER, BOB, configuration
from tests.support.plans import planned
from tests.support.releases import BASE
from tests.support.worlds import SERVING_OLD, SWITCHED

PRODUCTION = configuration("production", minimum=2)
POLICY = PRODUCTION.approval
PLAN, OTHER = (planned(world, environment=PRODUCTION) for world in (SERVING_OLD, SWITCHED))
BEGAN = datetime.now(UTC) - timedelta(hours=1)
LAST = next_request(None, PLAN, attempt=1, now=BEGAN)
VOICES = tuple(Voice(who, ANSWER.model_copy(update={"at": BEGAN}), BEGAN + timedelta(hours=24)) for who in (ADA, BOB))
ENOUGH, ONE = Tally(2, VOICES), Tally(2, VOICES[:1])
NO = Voice(BOB, ANSWER.model_copy(update={"decision": Decision.REJECT, "reason": "carts are empty"}), BEGAN)


class Suspended(Exception):
    """Prefect ends the process by an exception."""


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        pytest.param({"decision": "look again"}, True, id="look again"),
        pytest.param(
            {"decision": "approve"},
            False,
            id="an approval by the form",
            marks=pytest.mark.attack(
                "with Prefect's password (`by: cluster`): an approval by the form", by="Prefect's form"
            ),
        ),
        pytest.param({}, False, id="no decision"),
        pytest.param({"decision": "reject", "reason": "carts are empty", "approver": "Ada"}, True, id="rejection"),
        pytest.param({"decision": "reject", "reason": "carts are empty"}, True, id="rejection without a name"),
        pytest.param({"decision": "reject", "reason": "no"}, False, id="short reason"),
        pytest.param({"decision": "reject"}, False, id="no reason"),
        pytest.param({"decision": "look again", "plan": OTHER.hash}, False, id="another plan"),
    ],
)
def test_answer_to_the_form(given: dict[str, str], *, taken: bool) -> None:
    """Prefect's server takes no approval, and no rejection without a reason; the run keeps waiting."""
    schema = create_v2_schema("Wake", model_base=form_of(PLAN, [], ONE, POLICY))
    try:
        validate({"plan": PLAN.hash} | given, schema, raise_on_error=True)
    except ValidationError:
        assert not taken
    else:
        assert taken


def test_text_of_the_form() -> None:
    """It begins with what replaced the request before and what is missing, and has the plan."""
    text = form_of(PLAN, ["the file of production changed"], ONE, POLICY, head="7:abc")._description
    assert text.startswith("**This replaces the request before:** `the file of production changed`")
    assert f"1 of 2 approvals: 1 more person (approved by `{ADA}`)" in text
    assert "azora approve" in text
    assert "7:abc" in text


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Parts of a run that a test names, and what the run did."""
    state: dict[str, Any] = {"last": LAST, "plan": PLAN, "tallies": [ONE], "form": None, "newer": None, "did": []}

    def did(name: str, answer: Any = None) -> Any:
        return lambda *given, **more: (state["did"].append((name, *given, more)), answer)[1]

    def suspended(**more: Any) -> None:
        state["did"].append(("suspend", more))
        raise Suspended

    def stop(_: str, newer: Replacement | None) -> None:
        if newer:
            raise Superseded(newer)

    known = {
        "policy_of": lambda _: POLICY,
        "last_request_of": lambda *_: state["last"],
        "plan_with": lambda *_: state["plan"],
        "attempt": lambda: state["last"].attempt if state["last"] else 1,
        "this_run": lambda: "run",
        "stored_answer": lambda _: state["form"],
        "count_approvals": lambda *_: state["tallies"].pop(0) if len(state["tallies"]) > 1 else state["tallies"][0],
        "suspend": suspended,
        "request_approval": did("request", "1:abc"),
        "go_on_waiting": did("go on", "1:abc"),
        "record_approvals": did("approved"),
        "record_rejection": did("rejected"),
        "take_request": did("close"),
        "replaced_by": lambda *_: state["newer"],
        "supersede_older": did("supersede"),
        "stop_if_superseded": stop,
    }
    for name, part in known.items():
        monkeypatch.setattr(asking, name, part)
    monkeypatch.setattr(asking.artifacts, "answer", lambda *_: None)
    monkeypatch.setattr(asking.notifications, "question", did("notify"))
    monkeypatch.setattr(asking, "with_evidence", lambda plan, *_: plan)
    return state


def outcome() -> Any:
    return asking.ask_people("production", BASE, {})


def names(run: dict[str, Any]) -> list[str]:
    return [step[0] for step in run["did"]]


def test_first_request(run: dict[str, Any]) -> None:
    """It is recorded with what approvers read, and the run suspends for the whole time."""
    run["last"] = None
    with pytest.raises(Suspended):
        outcome()
    assert names(run) == ["request", "supersede", "notify", "suspend"]
    (_, _, plan, request, _, more), *_, (_, suspended) = run["did"]
    assert (plan, more["approvers"].since) == (PLAN, request.since)
    assert suspended["key"] == f"production-1-1-{PLAN.hash}"
    assert suspended["timeout"] == pytest.approx(72 * 3600, abs=300)


def test_resume_without_approvals(run: dict[str, Any]) -> None:
    """The run waits on, with the same deadline, a new key, and no second request."""
    with pytest.raises(Suspended):
        outcome()
    assert names(run) == ["go on", "supersede", "suspend"]
    suspended = run["did"][-1][1]
    assert suspended["key"] == f"production-1-2-{PLAN.hash}"
    left = BEGAN + timedelta(hours=72) - datetime.now(UTC)
    assert suspended["timeout"] == pytest.approx(left.total_seconds(), abs=60)


def test_request_that_was_not_recorded(run: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was killed before the record had the request is made up for."""
    monkeypatch.setattr(asking, "go_on_waiting", lambda *_: "")
    with pytest.raises(Suspended):
        outcome()
    assert names(run) == ["request", "supersede", "notify", "suspend"]
    assert run["did"][0][3].since == LAST.since


def test_enough_approvals(run: dict[str, Any]) -> None:
    """One approval for the promotion, in the names of all, which expires with them."""
    run["tallies"] = [ENOUGH]
    approval = outcome()
    assert (approval.approver, approval.plan, approval.at) == (f"{ADA}, {BOB}", PLAN.hash, BEGAN)
    assert approval.expires_at == BEGAN + timedelta(hours=24)
    assert names(run) == ["close", "approved"]


def test_enough_for_another_plan(run: dict[str, Any]) -> None:
    """The run asks anew where its plan changed, and names the difference."""
    run |= {"plan": OTHER, "tallies": [ENOUGH]}
    with pytest.raises(Suspended):
        outcome()
    assert names(run) == ["request", "supersede", "notify", "suspend"]
    request: Request = run["did"][0][3]
    assert request.since > LAST.since
    assert request.first_at == LAST.first_at
    assert run["did"][0][4] == LAST.bound.differences(OTHER.bound)


@pytest.mark.parametrize(
    ("change", "who", "why"),
    [
        pytest.param({"tallies": [replace(ENOUGH, rejections=(NO,))]}, BOB, "carts are empty", id="a person"),
        pytest.param({"form": {"approver": "Ada", "reason": "not on a Friday"}}, "Ada", "not on a Friday", id="the form"),
        pytest.param({"form": {}}, "somebody with Prefect's password", "no reason was given", id="no name, no reason"),
        pytest.param(
            {"plan": OTHER, "form": {"reason": "not on a Friday"}}, "somebody with Prefect's password", "not on a Friday", id="plan changed"
        ),
    ],
)  # fmt: skip
def test_rejection(run: dict[str, Any], change: dict[str, Any], who: str, why: str) -> None:
    """Any rejection ends the run, whoever approved; the record has who and why."""
    run |= {"tallies": [ENOUGH]} | change
    if "form" in change:
        answer = asking.Wake(decision=asking.Choice.REJECT, plan=PLAN.hash, **change["form"])
        run["form"] = Stored(answer.model_dump_json(), BEGAN)
    assert outcome() is None
    assert names(run) == ["close", "rejected"]
    assert (run["did"][1][3].who, run["did"][1][3].why) == (who, why)


def test_freeze(run: dict[str, Any]) -> None:
    """While the environment is frozen, enough approvals promote nothing, and the run waits on."""
    freeze = Freeze(ADA, BEGAN, BEGAN + timedelta(hours=8), "the sale")
    run |= {"plan": replace(PLAN, freeze=freeze), "tallies": [ENOUGH]}
    with pytest.raises(Suspended):
        outcome()
    assert names(run) == ["go on", "supersede", "suspend"]


def test_form_for_another_plan(run: dict[str, Any]) -> None:
    """A stored answer that names another plan, or is none, rejects nothing."""
    for text in (asking.Wake(decision=asking.Choice.REJECT, plan=OTHER.hash).model_dump_json(), "nonsense"):
        run["form"] = Stored(text, BEGAN)
        with pytest.raises(Suspended):
            outcome()


@pytest.mark.parametrize("tally", [ONE, ENOUGH, replace(ENOUGH, rejections=(NO,))], ids=["one", "enough", "rejected"])
def test_superseded_request(run: dict[str, Any], tally: Tally) -> None:
    """No answer to a request that gave way counts, and the run ends."""
    run |= {"newer": Replacement(run="newer", release="r"), "tallies": [tally]}
    with pytest.raises(Superseded):
        outcome()
    assert names(run) == []


def test_newer_request_before_the_approval(run: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that gives way while its approvals are counted is not approved."""
    run["tallies"] = [ENOUGH]
    monkeypatch.setattr(asking, "take_request", lambda *_: Replacement(run="newer", release="r"))
    with pytest.raises(Superseded):
        outcome()
    assert names(run) == []


def test_deadline(run: dict[str, Any]) -> None:
    """The run ends at the deadline of its first request, whatever woke it meanwhile."""
    run["last"] = LAST.model_copy(update={"first_at": BEGAN - timedelta(hours=72)})
    with pytest.raises(Refused, match="no approval within 72 h"):
        outcome()
