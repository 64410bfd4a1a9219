"""Requests for approvals: their keys, their time, and what the form takes for an answer."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from prefect._internal.pydantic.v2_schema import create_v2_schema
from prefect.utilities.schema_tools import ValidationError, validate

from azora.config.environment import ApprovalPolicy
from azora.core.promotion.approval import (
    NOT_BLANK,
    Request,
    approval_of,
    is_counted,
    next_request,
    question_of,
    seconds_left,
    shown_to_approver,
)
from azora.core.promotion.goal import Wanted
from azora.core.promotion.plan import Plan
from tasks.approval_forms import form_of
from tests.support.plans import planned
from tests.support.worlds import SERVING_OLD, SWITCHED

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLICY = ApprovalPolicy(expires_hours=24, wait_hours=72)
PLAN, OVERTAKEN = planned(SWITCHED), planned(SERVING_OLD)


def asked(plan: Plan = PLAN, last: Request | None = None, *, attempt: int = 1, hours: float = 0) -> Request:
    return next_request(last, plan, attempt=attempt, now=NOW + timedelta(hours=hours))


def test_key_of_a_request() -> None:
    """The key names environment, attempt and vote, and the whole hash of the plan."""
    assert asked().key == f"production-1-1-{PLAN.hash}"
    assert len(PLAN.hash) == 64


@pytest.mark.parametrize(
    ("plan", "attempt", "key"),
    [
        pytest.param(PLAN, 1, f"production-1-2-{PLAN.hash}", id="woken without an answer"),
        pytest.param(OVERTAKEN, 1, f"production-1-2-{OVERTAKEN.hash}", id="another plan"),
        pytest.param(PLAN, 2, f"production-2-1-{PLAN.hash}", id="Retry"),
    ],
)
def test_key_of_the_next_request(plan: Plan, attempt: int, key: str) -> None:
    """No key is used twice: Prefect returns the stored answer when a key is reused."""
    assert asked(plan, asked(), attempt=attempt, hours=5).key == key


def test_objects_that_a_request_shows() -> None:
    """Their digests are in the approval; of those of this run the newest counts, until the run ended."""
    request = next_request(None, PLAN, attempt=1, now=NOW, shown={"shop-blue": "1f2e"})
    given = approval_of(request, POLICY, run="run", approver="Ada", reason="it is time", now=NOW)
    older = given.model_copy(update={"shown": {"shop-blue": "0a0a"}, "at": NOW - timedelta(hours=1)})
    wanted = Wanted(PLAN.release.id, "run", True, False, None, "router")
    assert shown_to_approver(replace(SWITCHED, approvals=(given, older)), wanted) == {"shop-blue": "1f2e"}
    for change in ({"run": "another"}, {"release": "another"}, {"ended": "it failed"}):
        world = replace(SWITCHED, approvals=(given.model_copy(update=change),))
        assert shown_to_approver(world, wanted) == {}


def test_request_of_an_older_version() -> None:
    """It is read, and known as one without digests of objects; one of an environment that shows none is not."""
    stored = asked().model_dump(mode="json")
    assert Request.model_validate(stored).shown == {}
    assert Request.model_validate({key: value for key, value in stored.items() if key != "shown"}).shown is None


def test_time_to_answer() -> None:
    """Time counts from the attempt's first request; only another attempt starts it anew."""
    second = asked(OVERTAKEN, asked(), hours=70)
    assert seconds_left(second, POLICY, NOW + timedelta(hours=70)) == 2 * 3600
    assert question_of(second, POLICY, run="run", now=NOW + timedelta(hours=70)).until == NOW + timedelta(hours=72)
    assert seconds_left(asked(PLAN, second, attempt=2, hours=80), POLICY, NOW + timedelta(hours=80)) == 72 * 3600


def test_request_without_a_break() -> None:
    """Answers of people of the cluster name the time since when this plan, with these objects, is asked by this attempt."""
    shown = {"shop": "1f2e"}
    first = next_request(None, PLAN, attempt=1, now=NOW, shown=shown)
    later = NOW + timedelta(hours=5)
    assert next_request(first, PLAN, attempt=1, now=later, shown=shown).since == NOW
    assert next_request(first, PLAN, attempt=1, now=later, shown={"shop": "0a0a"}).since == later
    assert next_request(first, OVERTAKEN, attempt=1, now=later, shown=shown).since == later
    assert next_request(first, PLAN, attempt=2, now=later, shown=shown).since == later


def test_approval_of_a_request() -> None:
    """An approval is bound to the plan of its request, and is counted once."""
    approval = approval_of(asked(), POLICY, run="run", approver="Ada", reason="It is time", now=NOW)
    assert (approval.id, approval.plan, approval.release) == (
        f"run/{asked().key}",
        PLAN.hash,
        PLAN.release.id,
    )
    assert approval.expires_at == NOW + timedelta(hours=24)
    assert is_counted(asked(), "run", [approval.model_copy(update={"ended": "could not promote"})])
    assert not is_counted(asked(OVERTAKEN, asked()), "run", [approval])
    assert Request.model_validate_json(asked().model_dump_json()) == asked()


GIVEN = {"decision": "approve", "approver": "Ada", "reason": "It is time", "plan": PLAN.hash}


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        pytest.param({}, True, id="as it is"),
        pytest.param({"reason": "Fix:\nthe cart\tand more"}, True, id="several lines"),
        pytest.param({"reason": "{{ 7 * 7 }} is typed"}, True, id="braces"),
        pytest.param({"plan": OVERTAKEN.hash}, False, id="another plan"),
        pytest.param({"plan": PLAN.hash[:12]}, False, id="the beginning of the plan"),
        pytest.param({"plan": None}, False, id="no plan"),
        pytest.param({"approver": "        "}, False, id="blank name"),
        pytest.param({"approver": "A"}, False, id="one letter"),
        pytest.param({"reason": "        "}, False, id="blank reason"),
        pytest.param({"reason": "It is time\n"}, False, id="a newline at the end"),
        pytest.param({"reason": " It is time"}, False, id="a space at the beginning"),
        pytest.param({"reason": "short"}, False, id="short"),
        pytest.param({"decision": "maybe"}, False, id="neither approval nor rejection"),
        pytest.param({"more": "x"}, False, id="an unknown field"),
    ],
)
def test_answer_to_the_form(given: dict[str, str | None], *, taken: bool) -> None:
    """Prefect's schema and our reading refuse the same answers; the run keeps waiting."""
    answer = {name: value for name, value in (GIVEN | given).items() if value is not None}
    form = form_of(PLAN, [])
    try:
        validate(answer, create_v2_schema("Answer", model_base=form), raise_on_error=True)
    except ValidationError:
        assert not taken
    else:
        assert taken
        assert form.model_validate(answer).model_dump(mode="json", exclude={"metadata"}).items() >= answer.items()


def test_form_with_the_plan_hash() -> None:
    """The plan's hash is filled in and required."""
    schema = create_v2_schema("Answer", model_base=form_of(PLAN, []))
    assert schema["properties"]["plan"]["default"] == PLAN.hash
    assert "plan" in schema["required"]


def test_form_that_replaces_another() -> None:
    """The form begins with what differs from the request before."""
    said = OVERTAKEN.bound.differences(PLAN.bound)
    description = form_of(PLAN, said)._description
    assert description.startswith("**This replaces the request before:** `the active release is")
    assert replace(PLAN.bound, switch=1).differences(PLAN.bound) == ["the last switch is number 2, not 1"]


@pytest.mark.parametrize("text", ["ab", "a b", "a\nb"])
def test_form_pattern_of_a_reason(text: str) -> None:
    """A reason may have several words and lines."""
    assert re.search(NOT_BLANK, text)
