"""Runs as the command line finds them, among many and among those of other applications.

They come from an API on loopback.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun, State, StateType

from azora.errors import BadInput
from azora.gateways.prefect.runs import run_called, waiting
from tests.support.prefect_api import Prefect, serving

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
OURS, THEIRS = ["application:azora"], ["application:shop"]


@pytest.fixture
def api() -> Iterator[Prefect]:
    with serving() as server:
        yield server


def run(
    number: int, kind: str = "COMPLETED", *, name: str = "release", tags: list[str] = OURS, waits_since: int = 0
) -> FlowRun:
    """Started *number* minutes after the first; its id begins with its number in eight digits."""
    state = State(type=StateType(kind), name=kind.title(), timestamp=BEGAN + timedelta(minutes=waits_since))
    return FlowRun(
        id=UUID(f"{number:08d}-0000-4000-8000-000000000000"),
        flow_id=UUID(int=99),
        name=name,
        tags=tags,
        expected_start_time=BEGAN + timedelta(minutes=number),
        state=state,
        state_type=state.type,
        state_name=state.name,
    )


def test_waiting_runs(api: Prefect) -> None:
    """All waiting runs are listed, the longest waiting first, however many runs there are."""
    others = [run(number) for number in range(300, 600)]
    waits = [run(number, "PAUSED", waits_since=1000 - number) for number in range(280)]
    api.runs = [*waits, *others, run(700, "PAUSED", tags=THEIRS)]
    assert [one.id[:8] for one in waiting(application="azora")] == [f"{number:08d}" for number in reversed(range(280))]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param("00000007-0000-4000-8000-000000000000", 7, id="whole id"),
        pytest.param("00000007", 7, id="beginning of an id"),
        pytest.param("00000299", 299, id="beginning, on the second page"),
        pytest.param("nightly", 301, id="a name that one run has"),
        pytest.param("deploy", 303, id="of one name the newest that is not over"),
        pytest.param("rollback", 305, id="a name, one is not over"),
    ],
)
def test_run_by_id_or_name(api: Prefect, asked: str, found: int) -> None:
    """A run is found by id, beginning of an id or name, among more runs than one page."""
    api.runs = [run(number) for number in range(300)]
    api.runs += [run(301, name="nightly"), run(302, "RUNNING", name="deploy"), run(303, "PAUSED", name="deploy")]
    api.runs += [run(304, name="deploy"), run(305, "RUNNING", name="rollback"), run(306, name="rollback")]
    assert run_called(asked, application="azora").id[:8] == f"{found:08d}"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param("00000000-0000-4000-8000-000000000001", "no run matches", id="no such id"),
        pytest.param("ffff", "no run matches", id="no such beginning"),
        pytest.param(
            "release",
            "2 runs match: 00000002-0000-4000-8000-000000000000 release (Completed), "
            "00000001-0000-4000-8000-000000000000 release (Completed)",
            id="several by that name, all over",
        ),
        pytest.param("000000", "2 runs match: 00000004", id="several begin so, two of them not over"),
        pytest.param("00000009-0000-4000-8000-000000000000", "no run matches", id="another application's id"),
        pytest.param("00000009", "no run matches", id="another application's, by its beginning"),
    ],
)
def test_run_that_is_unclear(api: Prefect, asked: str, said: str) -> None:
    """The error lists the matches, and no run of another application."""
    api.runs = [run(1), run(2), run(3, "RUNNING", name="a"), run(4, "PAUSED", name="b"), run(9, tags=THEIRS)]
    with pytest.raises(BadInput) as caught:
        run_called(asked, application="azora")
    assert said in caught.value.message
