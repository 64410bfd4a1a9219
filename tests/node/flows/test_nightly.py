"""The nightly run: the schedule that prefect.yaml registers, and a run that no person started.

Its commit brings an expand migration, so that the code of both releases meets the new tables: people learn and pay on the
old one, the end-to-end cases on the preview, until the run is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from azora.config.json_object import Json
from azora.config.settings import settings
from azora.gateways.images.registry import Reference, digest_of_tag
from azora.gateways.prefect.runs import Run, pages, stages
from tests.support import crowd, pipeline
from tests.support.changes import replaced, revision
from tests.support.polling import until

pytestmark = pytest.mark.usefixtures("platform")

SOON = timedelta(seconds=10)
MODEL = "services/edu/models.py"
EXPAND = 'op.execute("ALTER TABLE edu.courses ADD COLUMN audience text")'


@dataclass(frozen=True)
class Night:
    """The commit it was about, its run, and who learned and paid meanwhile: their crowd and their orders."""

    commit: str
    over: Run
    people: str
    orders: list[str]


@pytest.fixture(scope="module")
def prefect(platform: object) -> Iterator[httpx.Client]:  # noqa: ARG001
    """Prefect's public API."""
    with pipeline.prefect() as client:
        yield client


@pytest.fixture(scope="module")
def nightly(prefect: httpx.Client) -> Json:
    return _read(prefect.get("/deployments/name/nightly/azora-nightly"))


def test_schedule(prefect: httpx.Client, nightly: Json) -> None:
    """The nightly run is planned at two o'clock where the team lives."""
    (registered,) = nightly["schedules"]
    assert registered["active"]
    schedule = registered["schedule"]
    assert (schedule["cron"], schedule["timezone"]) == ("0 2 * * *", "Europe/Zurich")
    planned = until(lambda: planned_runs(prefect, nightly), seconds=90, what="the schedule plans its runs")
    hours = {at(run).astimezone(ZoneInfo(schedule["timezone"])).strftime("%H:%M") for run in planned}
    assert hours == {"02:00"}


@pytest.fixture(scope="module")
def night(prefect: httpx.Client, nightly: Json) -> Night:
    """A run that the schedule itself started, to its end."""
    column = "    minutes: Mapped[int]\n"
    files = replaced(MODEL, column, f"{column}    audience: Mapped[str | None] = mapped_column(Text)\n")
    newest = pipeline.commit(files | revision("audience", EXPAND, 'phase = "expand"'), "Say whom a course is for")
    due = datetime.now(UTC) + SOON
    people = crowd.new_crowd()
    with (
        scheduled(prefect, nightly, {"anchor_date": due.isoformat(), "interval": timedelta(days=1).total_seconds()}),
        crowd.coming(people) as orders,
    ):
        planned = until(
            lambda: planned_runs(prefect, nightly, until=due + SOON), seconds=60, what="the schedule plans the night"
        )
        run = pipeline.run_called(planned[0]["id"])
        pipeline.wait_for(run, lambda now: now.kind == "RUNNING", seconds=90)
        over = pipeline.until_over(run, seconds=900)
    return Night(newest, over, people, orders)


def test_scheduled_run(prefect: httpx.Client, night: Night) -> None:
    """The schedule itself starts a run, which brings the newest commit to staging."""
    told = _read(prefect.get(f"/flow_runs/{night.over.id}"))
    assert told["auto_scheduled"]
    assert told["created_by"]["type"] == "SCHEDULE"
    assert night.over.went_well, night.over.message
    assert night.over.name == f"nightly {night.commit[:7]}"
    assert pipeline.cluster("staging").running().commit == night.commit


def test_cases_before_the_switch(night: Night) -> None:
    """The end-to-end cases pass on the preview before users meet it."""
    names = [stage.name for stage in stages(night.over.id)]
    assert names.index("staging: end-to-end cases of the preview") < names.index("staging: switch users")


def test_users_on_the_migrated_database(night: Night) -> None:
    """Old and new code serve people on the migrated database; no order is lost or doubled."""
    assert pipeline.cluster("staging").running().migration_heads == ("audience",)
    assert crowd.select("SELECT count(audience) FROM edu.courses") == "0", "the column is there, and empty"
    assert len(night.orders) > 10
    crowd.assert_nothing_lost_or_doubled(night.people, night.orders)


def test_numbers_of_the_page(night: Night) -> None:
    """Its page shows the last nightly runs in numbers and as a picture."""
    page = page_of(night, "nightly-runs")
    row = next(line for line in page.splitlines() if line.startswith("|") and night.over.id in line)
    times = row.split("|")[3:8]
    assert all(cell.strip().endswith(" s") for cell in times), "pruning, tests, images, promotion, cases"
    requests, failed = (cell.strip() for cell in row.split("|")[8:10])
    assert int(requests) > 0
    assert failed == "0"
    picture = page.partition("![")[2].partition("](")[2].partition(")")[0]
    drawn = httpx.get(picture)
    assert drawn.is_success
    assert drawn.headers["Content-Type"].startswith("image/svg+xml")


def test_sections_of_the_page(night: Night) -> None:
    """Its page names flaky cases, and the commits since the nightly run before."""
    page = page_of(night, "nightly-runs")
    assert "## Flaky cases" in page
    assert "## Commits since the nightly run before" in page


def test_pruning(night: Night) -> None:
    """It prunes, lists what it removed, and keeps what runs."""
    page = page_of(night, "pruned")
    assert "⚠" not in page.replace("**⚠ layers**", ""), "only a build beside it may keep something from being pruned"
    assert all(f"| {kind} |" in page for kind in ("exports", "reports", "layers", "runs", "images"))
    release = pipeline.cluster("staging").running()
    assert pipeline.get("staging", "/api/health").is_success
    assert all(digest_of_image(reference) for reference in release.images.values()), "what runs is still there"


def page_of(night: Night, key: str) -> str:
    """One page of the night; the one of its end is made after it is over."""
    (page, *_) = until(
        lambda: [page for page in pages(night.over.id) if page.key == key], seconds=60, what=f"page {key}"
    )
    return page.text


def digest_of_image(reference: str) -> str | None:
    image = Reference.parse(reference, settings())
    return digest_of_tag(replace(image, tag=str(image.digest)))


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


def _read(answer: httpx.Response) -> Any:
    return answer.raise_for_status().json()
