"""Prefect's past through its own client: what is over, what is not, and what is left when a run goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.schemas.objects import Artifact, FlowRun, State, StateType, TaskRun
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

from azora.core.messages.nightly import FAILED, LAST_ON_OLD, REQUESTS
from azora.core.retention import Unfinished
from azora.gateways.prefect import paging
from azora.gateways.prefect.nightly_runs import COMMIT_LABEL
from azora.gateways.prefect.old_runs import ended_runs, leave_page, nights_in_numbers, remove_run, unfinished
from tests.support.prefect_api import Prefect, serving

FLOW = UUID(int=99)
NIGHT = datetime(2026, 11, 1, 2, tzinfo=UTC)


@pytest.fixture
def api() -> Iterator[Prefect]:
    with serving() as server:
        yield server


def run(number: int, kind: StateType, *, begun: int = 1, commit: str = "") -> FlowRun:
    return FlowRun(
        id=UUID(int=number),
        flow_id=FLOW,
        tags=["application:azora"],
        name=f"run {number}",
        run_count=begun,
        expected_start_time=NIGHT + timedelta(days=number),
        end_time=NIGHT + timedelta(days=number, hours=1),
        labels={COMMIT_LABEL: commit} if commit else {},
        state=State(type=kind),
        state_type=kind,
    )


def task(number: int, name: str, seconds: float) -> TaskRun:
    start = NIGHT + timedelta(days=number)
    return TaskRun(
        flow_run_id=UUID(int=number),
        name=name,
        task_key=name,
        dynamic_key="0",
        state_type=StateType.COMPLETED,
        start_time=start,
        end_time=start + timedelta(seconds=seconds),
    )


def test_figures_of_nightly_runs(api: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A nightly run has the times of its stages and the figures of its labels."""
    monkeypatch.setattr(paging, "PAGE", 2)
    red = run(1, StateType.FAILED, commit="a" * 40)
    green = run(2, StateType.COMPLETED, commit="b" * 40)
    green.labels |= {REQUESTS: 512, FAILED: 0, LAST_ON_OLD: 0.12}
    api.runs = [red, green]
    api.tasks = [task(1, "test web", 10), task(1, "test pay", 4), task(2, "build web", 20), task(2, "staging: look", 3)]

    now, before = nights_in_numbers(str(UUID(int=2)), application="azora")

    assert (now.night.commit, now.stages) == ("b" * 40, {"images": 20, "promotion": 3})
    assert (now.requests, now.failed, now.last_on_old_seconds) == (512, 0, 0.12)
    assert (before.night.went_well, before.stages, before.requests) == (False, {"unit tests": 10}, None)


def test_page_of_a_finished_run(api: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is added to a finished run."""
    monkeypatch.setattr("prefect.events.utilities.emit_event", lambda **_: None)  # it would need a socket
    leave_page(str(UUID(int=2)), "nights", "# The night", "The last nights")
    (page,) = api.pages
    assert (page.flow_run_id, page.key, page.data) == (UUID(int=2), "nights", "# The night")


def test_unfinished_runs(api: Prefect) -> None:
    """Runs that wait, work or will be retried are unfinished; scheduled ones are not begun."""
    api.runs = [
        run(1, StateType.COMPLETED),
        run(2, StateType.PAUSED, commit="a" * 40),
        run(3, StateType.RUNNING),
        run(4, StateType.SCHEDULED, begun=2),
        run(5, StateType.SCHEDULED, begun=0),  # tomorrow's
        run(6, StateType.PENDING, begun=0),
    ]
    assert unfinished(application="azora") == [
        Unfinished(str(UUID(int=6)), "run 6"),
        Unfinished(str(UUID(int=4)), "run 4"),
        Unfinished(str(UUID(int=3)), "run 3"),
        Unfinished(str(UUID(int=2)), "run 2", "a" * 40),
    ]


def test_finished_runs(api: Prefect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finished runs are read page by page, in the order of their end."""
    monkeypatch.setattr(paging, "PAGE", 2)
    kinds = [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED, StateType.PAUSED]
    api.runs = [run(number, kind) for number, kind in enumerate(kinds, start=1)]
    found = ended_runs(application="azora")
    assert [item.name for item in found] == [str(UUID(int=number)) for number in (4, 3, 2, 1)]
    assert found[0].at == NIGHT + timedelta(days=4, hours=1)
    assert {item.group for item in found} == {str(FLOW)}


def test_removed_run(api: Prefect, tmp_path: Path) -> None:
    """A run is removed after its pages and with its stored results."""
    own, other = UUID(int=1), UUID(int=2)
    api.runs = [run(1, StateType.COMPLETED), run(2, StateType.COMPLETED)]
    api.pages = [Artifact(id=UUID(int=7), flow_run_id=own), Artifact(id=UUID(int=8), flow_run_id=other)]
    for name in (own, other):
        (tmp_path / str(name)).mkdir()
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: tmp_path}):
        assert remove_run(str(own), application="azora")
        assert remove_run(str(own), application="azora"), "gone already is gone"
    assert api.deleted == [f"/artifacts/{UUID(int=7)}", f"/flow_runs/{own}", f"/flow_runs/{own}"]
    assert [page.flow_run_id for page in api.pages] == [other]
    assert [path.name for path in tmp_path.iterdir()] == [str(other)]
