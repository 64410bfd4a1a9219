"""The page of the nights: which numbers, which cases, which commits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from azora.core.cluster.record import Receipt
from azora.core.messages.nightly import (
    FAILED,
    LAST_ON_OLD,
    REQUESTS,
    Span,
    figures,
    flaky,
    labels_of,
    page,
    receipt_by,
    seconds_by_stage,
    stage_of,
)
from azora.core.promotion.plan import Change
from tests.support.nights import AT, NIGHT, NIGHTS
from tests.support.worlds import GREEN, WATCHED


@pytest.mark.parametrize(
    ("task", "stage"),
    [
        ("find the commit", None),
        ("prune", "pruning"),
        ("test web", "unit tests"),
        ("render the charts", "images"),
        ("build web", "images"),
        ("freeze the release", "images"),
        ("staging: look", "promotion"),
        ("staging: watch and smoke", "promotion"),
        ("staging: end-to-end cases of the preview", "end-to-end cases"),
        ("staging: end-to-end proof", "end-to-end cases"),
    ],
)
def test_each_task_belongs_to_a_stage(task: str, stage: str | None) -> None:
    assert stage_of(task) == stage


def span(name: str, start: float, end: float) -> Span:
    return Span(name, AT + timedelta(seconds=start), AT + timedelta(seconds=end))


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        pytest.param([span("test a", 0, 10)], 10, id="one"),
        pytest.param([span("test a", 0, 10), span("test b", 2, 6)], 10, id="one within the other"),
        pytest.param([span("test b", 4, 12), span("test a", 0, 10)], 12, id="overlapping, in any order"),
        pytest.param([span("test a", 0, 10), span("test b", 20, 25)], 15, id="a pause between them"),
        pytest.param([span("test a", 0, 9), span("test b", 1, 2), span("test c", 3, 10)], 10, id="three"),
    ],
)
def test_what_runs_side_by_side_counts_once(spans: list[Span], seconds: float) -> None:
    assert seconds_by_stage(spans) == {"unit tests": seconds}


def test_stages_come_in_their_order() -> None:
    spans = [span("staging: look", 0, 1), span("prune", 0, 1), span("build web", 0, 1)]
    assert list(seconds_by_stage(spans)) == ["pruning", "images", "promotion"]


def test_a_switch_comes_back_from_its_labels() -> None:
    receipt = Receipt(number=2, verdict="good", total=512, failed=0, last_on_old_seconds=0.12)
    kept = figures(NIGHT, [], labels_of(receipt))
    assert (kept.requests, kept.failed, kept.last_on_old_seconds) == (512, 0, 0.12)


def test_what_was_not_seen_is_not_labelled() -> None:
    assert labels_of(Receipt(number=1, verdict="good", total=5)) == {REQUESTS: 5, FAILED: 0}
    kept = figures(NIGHT, [], {LAST_ON_OLD: "soon"})
    assert (kept.requests, kept.failed, kept.last_on_old_seconds) == (None, None, None)


def test_the_figures_are_those_of_the_switch_that_the_run_made() -> None:
    theirs = WATCHED.switches[0].model_copy(update={"by": "another run"})
    world = replace(WATCHED, switches=(theirs, *WATCHED.switches[1:]))
    back = world.switches[1].model_copy(update={"number": 3, "kind": "return", "to": GREEN.other})
    returned = replace(
        world, switches=(*world.switches, back), receipts=(*world.receipts, Receipt(number=3, verdict="bad"))
    )
    assert receipt_by(world, "run") == receipt_by(returned, "run") == world.receipt_of(2)
    assert receipt_by(world, "nobody") is None


def test_flaky_cases_are_named_the_worst_first() -> None:
    known = {
        "staging-e2e": {
            "pay": ["passed", "flaky"],
            "login": ["passed", "failed"],
            "enroll": ["flaky", "flaky", "failed"],
        },
        "staging-smoke": {"health": ["passed"]},
    }
    assert flaky(known) == [  # type: ignore[arg-type]
        "`enroll` (`staging-e2e`): failed in 1, flaky in 2 of the last 3 runs",
        "`pay` (`staging-e2e`): flaky in 1 of the last 2 runs",
    ]


CHANGE = Change("f1f1f1f", "ada", "Fix the | cart")


def test_a_page_has_the_numbers_of_each_night() -> None:
    text = page(NIGHTS, plot="http://reports/nights.svg", unreliable=["`pay` (e2e): flaky"], changes=[CHANGE])
    assert text.startswith("# The night of 2026-11-24\n\nit went well\n\n![")
    assert "(http://reports/nights.svg)" in text
    assert "- `f1f1f1f` `Fix the | cart` (`ada`)" in text
    assert "- `pay` (e2e): flaky" in text
    assert "| [2026-11-24](http://run/3) | ✓ | – | 12 s | – | 61 s | – | 512 | 0 | +0.120 s |" in text
    assert "| [2026-11-23](http://run/2) | ✗ at `test web` | – | 3 s | – | – | – | – | – | – |" in text
    assert "## The last 2 nights" in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param(None, "Not known", id="a commit is not known"),
        pytest.param([], "Nothing: the same commit.", id="the same commit"),
        pytest.param([CHANGE] * 23, "- … and 3 more", id="more than one reads"),
    ],
)
def test_what_came_since_the_night_before(changes: list[Change] | None, says: str) -> None:
    assert says in page(NIGHTS, plot="", unreliable=[], changes=changes)


def test_a_red_night_says_where_it_failed_in_one_line() -> None:
    text = page(NIGHTS[1:], plot="", unreliable=[], changes=None)
    assert "it failed at `test web`: `could not test: a | b more`" in text
    assert "![" not in text
    assert "None was flaky in its last runs." in text
