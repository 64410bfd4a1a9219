"""Nightly runs in Prefect, through its own client.

They come from an API on loopback that answers as Prefect's server does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun, State, StateType, TaskRun

from azora.core.messages.notifications import Night
from azora.errors import BadInput
from azora.gateways.prefect import nightly_runs
from azora.gateways.prefect.nightly_runs import COMMIT_LABEL, nights_until
from azora.gateways.prefect.run_labels import label
from azora.gateways.prefect.runs import answer
from tests.support.prefect_api import Prefect, serving

FLOW = UUID(int=99)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Prefect]:
    monkeypatch.setattr(nightly_runs, "STEP_SECONDS", 0.01)
    with serving() as server:
        yield server


def run(day: int, kind: StateType, *, commit: str = "", message: str | None = None) -> FlowRun:
    return FlowRun(
        id=UUID(int=day),
        flow_id=FLOW,
        tags=["application:azora"],
        name="nightly",
        expected_start_time=at(day),
        labels={COMMIT_LABEL: commit} if commit else {},
        state=State(type=kind, name=kind.value.title(), message=message),
        state_type=kind,
    )


def task(day: int, name: str, kind: StateType) -> TaskRun:
    return TaskRun(flow_run_id=UUID(int=day), name=name, task_key=name, dynamic_key="0", state_type=kind)


def at(day: int) -> datetime:
    return datetime(2026, 11, day, 2, tzinfo=UTC)


def test_nightly_runs(api: Prefect) -> None:
    """Each nightly run has its commit, its failed steps and its error."""
    error = "Flow run encountered an exception: TestsFailed: could not test: no"
    api.runs = [
        run(21, StateType.COMPLETED, commit="good"),
        run(22, StateType.CRASHED),
        run(23, StateType.FAILED, commit="bad", message=error),
    ]
    api.tasks = [
        task(22, "staging: look", StateType.RUNNING),
        task(23, "test b", StateType.FAILED),
        task(23, "test a", StateType.FAILED),
        task(23, "told late", StateType.RUNNING),
    ]
    link = f"http://127.0.0.1:{api.server_port}/v2/runs/flow-run/{{}}"
    assert nights_until(str(UUID(int=23)), application="azora") == [
        Night(
            at(23),
            False,
            link.format(UUID(int=23)),
            "bad",
            ("test a", "test b"),
            "could not test: no",
            str(UUID(int=23)),
        ),
        Night(at(22), False, link.format(UUID(int=22)), "", ("staging: look",), "", str(UUID(int=22))),
        Night(at(21), True, link.format(UUID(int=21)), "good", (), "", str(UUID(int=21))),
    ]


def test_nightly_runs_that_are_requested(api: Prefect) -> None:
    """Only earlier, finished runs of the same flow are requested."""
    api.runs = [run(23, StateType.COMPLETED)]
    nights_until(str(UUID(int=23)), application="azora")
    asked = dict(api.asked)["/flow_runs/filter"]
    assert asked["flows"]["id"]["any_"] == [str(FLOW)]
    assert asked["flow_runs"]["state"]["type"]["any_"] == ["COMPLETED", "FAILED", "CRASHED"]
    assert datetime.fromisoformat(asked["flow_runs"]["expected_start_time"]["before_"]) == at(23)
    assert asked["sort"] == "EXPECTED_START_TIME_DESC"
    assert "/task_runs/filter" not in dict(api.asked), "a good night has no failed step to ask for"


def test_nightly_run_with_a_late_step(api: Prefect) -> None:
    """A failed step that reaches the server late is waited for."""
    api.runs, api.tasks, api.late = [run(23, StateType.FAILED)], [task(23, "test a", StateType.FAILED)], 3
    assert nights_until(str(UUID(int=23)), application="azora")[0].steps == ("test a",)


def test_nightly_run_without_a_failed_step(api: Prefect) -> None:
    """A run that failed in no task is listed without steps."""
    api.runs = [run(23, StateType.FAILED)]
    assert nights_until(str(UUID(int=23)), application="azora")[0].steps == ()


def test_nightly_run_label(api: Prefect) -> None:
    """A run is labelled with its commit."""
    label(str(UUID(int=23)), {COMMIT_LABEL: "a" * 40})
    assert (f"/flow_runs/{UUID(int=23)}/labels", {COMMIT_LABEL: "a" * 40}) in api.asked


def test_answer_that_is_no_utf_8(api: Prefect) -> None:
    """Prefect takes no such answer: it is refused with the wrong bytes."""
    api.runs = [run(21, StateType.PAUSED)]
    with pytest.raises(BadInput, match=r"'\\udce9' in it is no UTF-8"):
        answer(
            str(UUID(int=21)),
            decision="approve",
            approver="Ren\udce9",
            reason="it is time",
            plan="p",
            application="azora",
        )
