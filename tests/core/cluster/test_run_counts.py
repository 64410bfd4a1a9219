"""Counts over the runs: they only grow, and each stage goes to the environment its name begins with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from azora.core.cluster.record import Question
from azora.core.cluster.run_counts import BOUNDS_SECONDS, Ending, RunCounts, Spread, by_environment
from azora.errors import Conflict
from azora.gateways.kubernetes.record_store import questions_of, run_counts_of
from tests.support.clusters import GOOD, Remembering, record_of

NOW = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
BAD = Ending(flow="nightly", result="failed", went_well=False, at=NOW)


@pytest.mark.parametrize(
    ("seconds", "place"),
    [
        pytest.param(0.2, 0, id="below the first bound"),
        pytest.param(1, 0, id="at a bound: up to it"),
        pytest.param(1.01, 1, id="above it"),
        pytest.param(7200, len(BOUNDS_SECONDS), id="above all"),
    ],
)
def test_bucket_of_a_duration(seconds: float, place: int) -> None:
    """A duration is counted in Prometheus's bucket: up to the bound, bound included."""
    counted = Spread().plus(seconds)
    assert [number for number, count in enumerate(counted.counts) if count] == [place]
    assert counted.seconds == seconds


def test_counts_by_result() -> None:
    """Runs are counted by result, and the last run is stored."""
    tally = RunCounts().after_run(GOOD).after_run(GOOD).after_run(BAD)
    assert tally.flows["nightly"].results == {"completed": 2, "failed": 1}
    assert tally.flows["nightly"].last == BAD


def test_stages_by_environment() -> None:
    """A stage counts for the environment in its name, every other stage for the run's own."""
    stages = [("staging: install preview", 14.0), ("test edge", 3.0), ("production: look", 0.1), ("odd: thing", 1.0)]
    assert by_environment(stages, ["production", "staging"], "production") == {
        "staging": [("install preview", 14.0)],
        "production": [("test edge", 3.0), ("look", 0.1), ("odd: thing", 1.0)],
    }


def test_counts_of_simultaneous_runs() -> None:
    """Runs that end at the same moment are all counted."""
    api = Remembering(others=3)
    record_of(api).count(lambda tally: tally.after_run(BAD))
    assert run_counts_of(api.data).flows["nightly"].results == {"completed": 3, "failed": 1}


def test_counts_of_an_unstable_record() -> None:
    """A record that changes before each write ends in a conflict."""
    with pytest.raises(Conflict):
        record_of(Remembering(others=99)).count(lambda tally: tally.after_run(BAD))


def asked(run: str, hours_ago: float) -> Question:
    at = NOW - timedelta(hours=hours_ago)
    return Question(run=run, release="new", plan="plan", at=at, until=at + timedelta(hours=72))


def test_approval_request_in_the_record() -> None:
    """A request stays in the record until its answer or its deadline."""
    api = Remembering()
    for question in (asked("old", 100), asked("a", 5), asked("b", 0)):
        record_of(api).add_question(question)
    assert questions_of(api.data) == (asked("a", 5), asked("b", 0))
    record_of(api).remove_question("a")
    record_of(api).remove_question("never asked")
    assert questions_of(api.data) == (asked("b", 0),)


def test_record_without_a_namespace() -> None:
    """Neither a request nor a count creates the namespace."""
    api = Remembering(namespace=False)
    record_of(api).add_question(asked("a", 0))
    record_of(api).count(lambda tally: tally.after_run(GOOD))
    assert api.data == {}
