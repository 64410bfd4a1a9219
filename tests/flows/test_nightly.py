"""The night by itself: the schedule that prefect.yaml registers, and a run that no person started."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from azora.gateways.orchestrator import run_called, stages
from tests import road

pytestmark = pytest.mark.usefixtures("released")

Json = dict[str, Any]
SOON = timedelta(seconds=20)


@pytest.fixture
def prefect(node: str) -> Iterator[httpx.Client]:  # noqa: ARG001 - the node must be up
    """Prefect's public API."""
    with httpx.Client(base_url=os.environ["PREFECT_API_URL"], timeout=30) as client:
        yield client


@pytest.fixture
def nightly(prefect: httpx.Client) -> Json:
    return _read(prefect.get("/deployments/name/nightly/nightly"))


def test_the_night_is_at_two_where_the_team_lives(prefect: httpx.Client, nightly: Json) -> None:
    (registered,) = nightly["schedules"]
    assert registered["active"]
    schedule = registered["schedule"]
    assert (schedule["cron"], schedule["timezone"]) == ("0 2 * * *", "Europe/Zurich")
    planned = eventually(lambda: planned_runs(prefect, nightly), seconds=90)
    hours = {at(run).astimezone(ZoneInfo(schedule["timezone"])).strftime("%H:%M") for run in planned}
    assert hours == {"02:00"}


def test_the_schedule_itself_starts_a_run_that_brings_the_newest_commit_to_staging(
    prefect: httpx.Client, nightly: Json
) -> None:
    newest = road.commit(message="Work until late")
    due = datetime.now(UTC) + SOON
    with scheduled(prefect, nightly, {"anchor_date": due.isoformat(), "interval": timedelta(days=1).total_seconds()}):
        planned = eventually(lambda: planned_runs(prefect, nightly, until=due + SOON), seconds=60)
        run = run_called(planned[0]["id"])
        road.wait_for(run, lambda now: now.kind == "RUNNING", seconds=90)
        over = road.until_over(run, seconds=900)
    told = _read(prefect.get(f"/flow_runs/{run.id}"))
    assert told["auto_scheduled"]
    assert told["created_by"]["type"] == "SCHEDULE"
    assert over.went_well, over.message
    assert over.name == f"nightly {newest[:7]}"
    names = [name for name, _, _ in stages(run.id)]
    assert names.index("staging: end-to-end cases of the preview") < names.index("staging: switch users")
    assert road.cluster("staging").running().commit == newest


def planned_runs(prefect: httpx.Client, deployment: Json, until: datetime | None = None) -> list[Json]:
    """Runs that the scheduler made and that are not due yet, soonest first."""
    which: Json = {"state": {"type": {"any_": ["SCHEDULED"]}}}
    if until:
        which["expected_start_time"] = {"before_": until.isoformat()}
    asked = {"deployments": {"id": {"any_": [deployment["id"]]}}, "flow_runs": which}
    runs = _read(prefect.post("/flow_runs/filter", json={**asked, "sort": "EXPECTED_START_TIME_ASC"}))
    return [run for run in runs if run["auto_scheduled"]]


@contextmanager
def scheduled(prefect: httpx.Client, deployment: Json, schedule: Json) -> Iterator[None]:
    """The deployment's own schedule is *schedule* for the block."""
    (own,) = deployment["schedules"]
    place = f"/deployments/{deployment['id']}"
    prefect.patch(place, json={"schedules": [{"schedule": schedule}]}).raise_for_status()
    try:
        yield
    finally:
        before = {"schedule": own["schedule"], "active": own["active"]}
        prefect.patch(place, json={"schedules": [before]}).raise_for_status()


def at(run: Json) -> datetime:
    return datetime.fromisoformat(run["expected_start_time"])


def eventually(look: Callable[[], list[Json]], *, seconds: float) -> list[Json]:
    """What *look* finds, as soon as it finds something."""
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until, f"nothing came within {seconds:g} s"
        time.sleep(0.2)
    return found


def _read(answer: httpx.Response) -> Any:
    return answer.raise_for_status().json()
