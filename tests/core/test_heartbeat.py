"""Signs of life of a run: none comes after the last one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import Pause
from prefect.input import RunInput
from prefect.states import Running

from azora.core.heartbeat import HEARTBEAT, REST
from tasks import heartbeat
from tests.support.polling import until

RUN = FlowRun(id=UUID(int=7), flow_id=UUID(int=1), deployment_id=UUID(int=2), tags=["application:shop"])


class Yes(RunInput):
    text: str


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the events that were sent, in their order."""
    events: list[str] = []

    def emit(*, event: str, resource: dict[str, str], related: list[dict[str, str]]) -> None:
        assert resource == {"prefect.resource.id": f"prefect.flow-run.{RUN.id}"}
        assert related == [
            {"prefect.resource.id": "prefect.tag.application:shop", "prefect.resource.role": "tag"},
        ]
        events.append(event)

    monkeypatch.setattr(heartbeat, "emit_event", emit)
    monkeypatch.setattr(heartbeat, "_HEARTS", [])
    return events


def begun(run: FlowRun = RUN) -> Any:
    heartbeat.begin_heartbeat(None, run, Running())  # type: ignore[arg-type]


def test_run_that_suspends(sent: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """No heartbeat follows the last event of a suspension: silence is then no sign of death."""

    def suspended(**_: object) -> None:
        sent.append("suspended")
        raise Pause

    monkeypatch.setattr(heartbeat, "suspend_flow_run", suspended)
    begun()
    until(lambda: sent, seconds=5, what="the first sign of life")
    with pytest.raises(Pause):
        heartbeat.suspend(wait_for_input=Yes, key="k", timeout=1)
    assert sent == [HEARTBEAT, REST, "suspended"]


def test_run_that_is_resumed(sent: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A resumed run sends heartbeats from its answer to its end."""
    monkeypatch.setattr(heartbeat, "suspend_flow_run", lambda **_: Yes(text="yes"))
    begun()
    assert heartbeat.suspend(wait_for_input=Yes, key="k", timeout=1).text == "yes"
    until(lambda: sent[-1] == HEARTBEAT, seconds=5, what="a sign of life after the answer")
    heartbeat.end_heartbeat(None, RUN, Running())  # type: ignore[arg-type]
    heartbeat.end_heartbeat(None, RUN, Running())  # type: ignore[arg-type]
    assert sent[-2:] == [HEARTBEAT, REST], "the end is told once"


def test_run_without_a_deployment(sent: list[str]) -> None:
    """A flow that no worker executes sends no heartbeat."""
    begun(RUN.model_copy(update={"deployment_id": None}))
    assert sent == []
