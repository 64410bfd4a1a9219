"""What is counted over the runs: it only grows, and each stage goes to the environment that its name begins with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from azora.core.cluster.record import Question
from azora.core.cluster.run_counts import BOUNDS_SECONDS, Ending, Spread, Tally, by_environment
from azora.errors import Conflict
from azora.gateways.kubernetes.record_store import questions_of, tally_of
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
def test_a_duration_falls_where_prometheus_puts_it(seconds: float, place: int) -> None:
    counted = Spread().plus(seconds)
    assert [number for number, count in enumerate(counted.counts) if count] == [place]
    assert counted.seconds == seconds


def test_runs_are_counted_by_how_they_ended_and_the_last_one_is_known() -> None:
    tally = Tally().after_run(GOOD).after_run(GOOD).after_run(BAD)
    assert tally.flows["nightly"].results == {"completed": 2, "failed": 1}
    assert tally.flows["nightly"].last == BAD


def test_stages_go_to_the_environment_they_are_named_after_and_others_home() -> None:
    stages = [("staging: install preview", 14.0), ("test edge", 3.0), ("production: look", 0.1), ("odd: thing", 1.0)]
    assert by_environment(stages, ["production", "staging"], "production") == {
        "staging": [("install preview", 14.0)],
        "production": [("test edge", 3.0), ("look", 0.1), ("odd: thing", 1.0)],
    }


def test_runs_that_end_at_the_same_moment_are_all_counted() -> None:
    api = Remembering(others=3)
    record_of(api).count(lambda tally: tally.after_run(BAD))
    assert tally_of(api.data).flows["nightly"].results == {"completed": 3, "failed": 1}


def test_it_gives_up_on_a_record_that_never_rests() -> None:
    with pytest.raises(Conflict):
        record_of(Remembering(others=99)).count(lambda tally: tally.after_run(BAD))


def asked(run: str, hours_ago: float) -> Question:
    at = NOW - timedelta(hours=hours_ago)
    return Question(run=run, release="new", plan="plan", at=at, until=at + timedelta(hours=72))


def test_a_question_is_in_the_record_until_its_answer_and_no_longer_than_anybody_waits() -> None:
    api = Remembering()
    for question in (asked("old", 100), asked("a", 5), asked("b", 0)):
        record_of(api).record_question(question)
    assert questions_of(api.data) == (asked("a", 5), asked("b", 0))
    record_of(api).forget_question("a")
    record_of(api).forget_question("never asked")
    assert questions_of(api.data) == (asked("b", 0),)


def test_neither_a_question_nor_a_count_makes_a_namespace() -> None:
    api = Remembering(namespace=False)
    record_of(api).record_question(asked("a", 0))
    record_of(api).count(lambda tally: tally.after_run(GOOD))
    assert api.data == {}
