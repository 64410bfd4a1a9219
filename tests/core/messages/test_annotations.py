"""Grafana annotations of a traffic switch: their time, their tags, their words."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import pytest

from azora.config.settings import Settings
from azora.core.cluster.record import Receipt
from azora.core.cluster.state import World
from azora.core.colors import Color
from azora.core.messages.annotations import Annotation, of_move, of_run
from tasks import notifications
from tests.support.clusters import Seen
from tests.support.worlds import SWITCHED, switched

GOOD = Receipt(number=2, verdict="good", total=1200, first_on_new_seconds=0.104, last_on_old_seconds=0.12)
BAD = Receipt(number=2, verdict="bad", reason="smoke cases failed", total=1200, failed=3)
RETURN = switched(3, "old", Color.BLUE).model_copy(update={"kind": "return", "by": "run"})
JUDGED_GOOD = replace(SWITCHED, receipts=(GOOD,))
WENT_BACK = replace(
    SWITCHED,
    switches=(*SWITCHED.switches, RETURN),
    receipts=(BAD, Receipt(number=3, verdict="good", reason="smoke cases failed")),
)


def test_annotation_of_a_switch() -> None:
    """The annotation has the time of the switch and its request counts."""
    entry = SWITCHED.switches[-1]
    assert of_move("azora", "production", entry, GOOD) == Annotation(
        entry.at,
        ("azora", "production", "new", "green", "promotion"),
        "users of production went from blue to green: release new (promotion 2)\n"
        "1200 requests around the switch, 0 failed; first on green +0.104 s; last on the old color +0.120 s",
    )


def test_annotation_of_a_manual_rollback() -> None:
    """A rollback without a watch is annotated without counts."""
    entry = switched(4, "old", Color.BLUE).model_copy(update={"kind": "rollback", "came_from": Color.GREEN})
    found = of_move("azora", "staging", entry)
    assert found.tags == ("azora", "staging", "old", "blue", "rollback")
    assert found.text == "users of staging went from green to blue: release old (rollback 4)"


@pytest.mark.parametrize(
    ("world", "run", "kinds"),
    [
        pytest.param(JUDGED_GOOD, "run", ["promotion"], id="good"),
        pytest.param(WENT_BACK, "run", ["promotion", "return"], id="rolled back by itself: both switches"),
        pytest.param(JUDGED_GOOD, "another run", [], id="somebody else's switch"),
        pytest.param(SWITCHED, "run", [], id="not watched yet"),
        pytest.param(World(), "run", [], id="none"),
    ],
)
def test_annotations_of_a_run(world: World, run: str, kinds: list[str]) -> None:
    """A run annotates its own switches and its rollback, and nobody else's."""
    assert [one.tags[-1] for one in of_run("azora", "production", world, run)] == kinds


def test_annotation_of_a_bad_switch() -> None:
    """The annotation of a bad switch has the counts and the reason."""
    bad, _ = of_run("azora", "production", WENT_BACK, "run")
    assert bad.text.splitlines()[1:] == ["1200 requests around the switch, 3 failed", "verdict bad: smoke cases failed"]


# -- when it is marked


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> list[Annotation]:
    """Annotations that an unreachable Grafana was sent by run `run`, with no other receiver."""
    sent: list[Annotation] = []

    def annotate(annotations: Sequence[Annotation], _: Settings) -> list[str]:
        sent.extend(annotations)
        return ["could not mark the switch in Grafana: it is away"] if annotations else []

    monkeypatch.setattr(notifications, "annotate", annotate)
    monkeypatch.setattr(notifications, "addresses", lambda _: ())
    monkeypatch.setattr(notifications, "this_run", lambda: "run")
    monkeypatch.setattr(notifications, "settings", lambda: Settings(grafana_url="http://grafana"))
    monkeypatch.setattr(notifications, "get_run_logger", lambda: logging.getLogger("a run"))
    return sent


def test_unreachable_grafana(marked: list[Annotation], caplog: pytest.LogCaptureFixture) -> None:
    """An annotation that Grafana does not take is one warning of the run."""
    notifications.last_switch("staging", Seen(JUDGED_GOOD))  # type: ignore[arg-type]
    assert [one.tags[1:] for one in marked] == [("staging", "new", "green", "promotion")]
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("WARNING", "could not mark the switch in Grafana: it is away")


def test_unreachable_cluster(marked: list[Annotation], caplog: pytest.LogCaptureFixture) -> None:
    """Without the cluster there is a warning and no annotation; the run goes on."""
    notifications.last_switch("staging", Seen(None))  # type: ignore[arg-type]
    assert marked == []
    assert "could not send the notification" in caplog.text


def test_annotation_of_a_manual_switch(marked: list[Annotation]) -> None:
    """A manual switch is annotated with its kind."""
    notifications.move_by_hand("production", switched(3, "new", Color.GREEN).model_copy(update={"kind": "switch"}))
    assert [one.tags for one in marked] == [("azora", "production", "new", "green", "switch")]
