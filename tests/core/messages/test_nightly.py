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
def test_stage_of_a_task(task: str, stage: str | None) -> None:
    """Each task of a nightly run belongs to one stage or to none."""
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
def test_stage_with_parallel_tasks(spans: list[Span], seconds: float) -> None:
    """Time that parallel tasks share counts once."""
    assert seconds_by_stage(spans) == {"unit tests": seconds}


def test_stages_in_order() -> None:
    """Stages are listed in the order of the pipeline."""
    spans = [span("staging: look", 0, 1), span("prune", 0, 1), span("build web", 0, 1)]
    assert list(seconds_by_stage(spans)) == ["pruning", "images", "promotion"]


def test_figures_of_a_switch() -> None:
    """A receipt is read back from the run's labels."""
    receipt = Receipt(number=2, verdict="good", total=512, failed=0, last_on_old_seconds=0.12)
    kept = figures(NIGHT, [], labels_of(receipt))
    assert (kept.requests, kept.failed, kept.last_on_old_seconds) == (512, 0, 0.12)


def test_figures_that_are_missing() -> None:
    """A number that was not measured is not labelled, and a broken label is no number."""
    assert labels_of(Receipt(number=1, verdict="good", total=5)) == {REQUESTS: 5, FAILED: 0}
    kept = figures(NIGHT, [], {LAST_ON_OLD: "soon"})
    assert (kept.requests, kept.failed, kept.last_on_old_seconds) == (None, None, None)


def test_figures_of_the_run_s_switch() -> None:
    """A run's figures are those of its own promotion, also after its rollback."""
    theirs = WATCHED.switches[0].model_copy(update={"by": "another run"})
    world = replace(WATCHED, switches=(theirs, *WATCHED.switches[1:]))
    back = world.switches[1].model_copy(update={"number": 3, "kind": "return", "to": GREEN.other})
    returned = replace(
        world, switches=(*world.switches, back), receipts=(*world.receipts, Receipt(number=3, verdict="bad"))
    )
    assert receipt_by(world, "run") == receipt_by(returned, "run") == world.receipt_of(2)
    assert receipt_by(world, "nobody") is None


def test_flaky_cases() -> None:
    """Flaky cases are listed with their counts, the worst first."""
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


def test_page_of_a_good_night() -> None:
    """The page has the plot, the changes, the flaky cases and a row for each nightly run."""
    text = page(NIGHTS, plot="http://reports/nights.svg", unreliable=["`pay` (e2e): flaky"], changes=[CHANGE])
    assert text.startswith("# Nightly run of 2026-11-24\n\nsucceeded\n\n![")
    assert "(http://reports/nights.svg)" in text
    assert "- `f1f1f1f` `Fix the | cart` (`ada`)" in text
    assert "- `pay` (e2e): flaky" in text
    assert "| [2026-11-24](http://run/3) | ✓ | – | 12 s | – | 61 s | – | 512 | 0 | +0.120 s |" in text
    assert "| [2026-11-23](http://run/2) | ✗ at `test web` | – | 3 s | – | – | – | – | – | – |" in text
    assert "## Last 2 nightly runs" in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param(None, "Unknown", id="a commit is not known"),
        pytest.param([], "None: the same commit.", id="the same commit"),
        pytest.param([CHANGE] * 23, "- … and 3 more", id="more than one reads"),
    ],
)
def test_page_with_changes(changes: list[Change] | None, says: str) -> None:
    """The page lists the commits since the nightly run before, or names why there are none."""
    assert says in page(NIGHTS, plot="", unreliable=[], changes=changes)


def test_page_of_a_failed_night() -> None:
    """The page names the failed step and its error in one line."""
    text = page(NIGHTS[1:], plot="", unreliable=[], changes=None)
    assert "failed at `test web`: `could not test: a | b more`" in text
    assert "![" not in text
    assert "None in the last runs." in text
