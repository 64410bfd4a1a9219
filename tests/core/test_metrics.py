"""Metrics of an environment for Prometheus: what was seen on the left, the samples on the right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from azora.core.cluster.freeze import Act, Acts
from azora.core.cluster.overrides import Override
from azora.core.cluster.record import LastRollback, ProofRecord, Question, Receipt, StackRecord
from azora.core.cluster.run_counts import Ending, RunCounts
from azora.core.cluster.state import World
from azora.core.metrics import MEASURES, Sample, measured
from azora.core.release.migrations import Migration
from tests.support.worlds import BLUE, BOOKED, EMPTY, GREEN, INSTALLED, NOW, SERVING_OLD, WATCHED, stack, switched

AT = NOW.timestamp()
NIGHT = Ending(flow="nightly", result="failed", went_well=False, at=NOW)


def told(world: World, name: str) -> dict[str, float]:
    """Values of one metric, by its labels but `environment`."""
    found = [s for s in measured("production", world, NOW) if f"{s.measure.name}{s.suffix}" == name]
    assert all(sample.labels["environment"] == "production" for sample in found)
    return {_labels(sample): sample.value for sample in found}


def _labels(sample: Sample) -> str:
    return ",".join(value for key, value in sample.labels.items() if key != "environment")


def asked(run: str, hours_ago: float, *, waits_hours: float = 72) -> Question:
    at = NOW - timedelta(hours=hours_ago)
    return Question(run=run, release="new", plan="plan", at=at, until=at + timedelta(hours=waits_hours))


GONE_BACK = replace(
    BOOKED,
    active=BLUE,
    preview_points_at=GREEN,
    switches=(*BOOKED.switches, switched(3, "old", BLUE)),
    receipts=(
        Receipt(number=2, verdict="bad", total=400, failed=3, p99_ms=26),
        Receipt(number=3, verdict="good", reason="requests failed"),
    ),
)
HEADS = StackRecord(release="old", revision=1, commit="0123456789", migration_heads=("0002",))
OVERRIDE = Override("Service shop", "oidc:olga", "the approvers are asleep")
FREEZE = Act(kind="freeze", at=NOW, until=NOW + timedelta(hours=1), reason="the sale")
STAGES = RunCounts().after_stages([("look", 0.5), ("look", 14), ("look", 4000)])


@pytest.mark.parametrize(
    ("world", "name", "samples"),
    [
        pytest.param(EMPTY, "azora_environment_up", {"": 1}, id="nobody served yet: the cluster answered all the same"),
        pytest.param(EMPTY, "azora_live_info", {}, id="nobody served yet"),
        pytest.param(BOOKED, "azora_live_info", {"green,new,": 1}, id="who serves"),
        pytest.param(BOOKED, "azora_overrides_in_force", {"": 0}, id="no override"),
        pytest.param(replace(BOOKED, overrides=(OVERRIDE,)), "azora_overrides_in_force", {"": 1}, id="an override"),
        pytest.param(BOOKED, "azora_frozen", {"": 0}, id="no freeze"),
        pytest.param(replace(BOOKED, freezes=Acts((FREEZE,))), "azora_frozen", {"": 1}, id="a freeze"),
        pytest.param(BOOKED, "azora_stack_info", {"blue,old,": 1, "green,new,": 1}, id="what each color runs"),
        pytest.param(INSTALLED, "azora_stack_proved", {"blue": 1, "green": 0}, id="proved"),
        pytest.param(
            replace(BOOKED, stacks={BLUE: stack(BLUE, "old", ready=2)}),
            "azora_stack_ready",
            {"blue": 0},
            id="a pod short",
        ),
        pytest.param(
            replace(BOOKED, stacks={BLUE: stack(BLUE, "old", ready=2)}),
            "azora_pods_ready",
            {"blue,web": 2},
            id="pods ready",
        ),
        pytest.param(SERVING_OLD, "azora_pods_wanted", {"blue,web": 3}, id="pods wanted"),
        pytest.param(
            replace(SERVING_OLD, stacks={BLUE: replace(stack(BLUE, "old"), record=HEADS)}),
            "azora_migration_head_info",
            {"blue,0002": 1},
            id="migration head",
        ),
        pytest.param(
            replace(EMPTY, migrating=(Migration(revision="0002", phase="expand"),)),
            "azora_migrations_in_doubt",
            {"": 1},
            id="a migration in doubt",
        ),
        pytest.param(BOOKED, "azora_color_drift", {"selector": 0, "preview": 0, "release": 0}, id="as the log says"),
        pytest.param(
            replace(BOOKED, active=BLUE, preview_points_at=GREEN),
            "azora_color_drift",
            {"selector": 1, "preview": 0, "release": 0},
            id="somebody edited the live Service",
        ),
        pytest.param(
            WATCHED,
            "azora_color_drift",
            {"selector": 0, "preview": 1, "release": 0},
            id="both Services select one color: not recorded yet, or edited",
        ),
        pytest.param(
            replace(BOOKED, stacks={GREEN: stack(GREEN, "other")}),
            "azora_color_drift",
            {"selector": 0, "preview": 0, "release": 1},
            id="somebody changed what the live color runs",
        ),
        pytest.param(BOOKED, "azora_approval_waiting_seconds", {"": 0}, id="nothing waits"),
        pytest.param(
            replace(BOOKED, questions=(asked("a", 2), asked("b", 5), asked("c", 80))),
            "azora_approval_waiting_seconds",
            {"": 5 * 3600},
            id="the oldest that still waits",
        ),
        pytest.param(
            replace(BOOKED, questions=(asked("a", 2), asked("c", 80))),
            "azora_approvals_waiting",
            {"": 1},
            id="how many wait",
        ),
        pytest.param(GONE_BACK, "azora_switches", {"": 3}, id="switches"),
        pytest.param(GONE_BACK, "azora_last_switch_timestamp_seconds", {"promotion,blue": AT}, id="the last switch"),
        pytest.param(GONE_BACK, "azora_watched_switch_requests", {"": 400}, id="the last switch with a watch"),
        pytest.param(
            GONE_BACK, "azora_watched_switch_failed_requests", {"": 3}, id="failed requests outlive a rollback"
        ),
        pytest.param(GONE_BACK, "azora_watched_switch_good", {"": 0}, id="found bad"),
        pytest.param(GONE_BACK, "azora_watched_switch_p99_seconds", {"": 0.026}, id="in seconds"),
        pytest.param(WATCHED, "azora_watched_switch_requests", {}, id="no request was counted"),
        pytest.param(
            replace(BOOKED, rollback=LastRollback(at=NOW, seconds=0.4)),
            "azora_last_rollback_duration_seconds",
            {"": 0.4},
            id="rollback",
        ),
        pytest.param(
            replace(BOOKED, proofs=(ProofRecord(release="new", at=NOW, run="r"),)),
            "azora_last_proof_timestamp_seconds",
            {"": AT},
            id="proof",
        ),
        pytest.param(
            replace(BOOKED, run_counts=RunCounts().after_run(NIGHT)),
            "azora_runs",
            {"nightly,failed": 1},
            id="runs by result",
        ),
        pytest.param(
            replace(BOOKED, run_counts=RunCounts().after_run(NIGHT)),
            "azora_last_run_ok",
            {"nightly": 0},
            id="the last run",
        ),
        pytest.param(
            replace(BOOKED, run_counts=STAGES), "azora_stage_duration_seconds_count", {"look": 3}, id="stages"
        ),
        pytest.param(
            replace(BOOKED, run_counts=STAGES), "azora_stage_duration_seconds_sum", {"look": 4014.5}, id="their sum"
        ),
    ],
)
def test_samples_of_an_environment(world: World, name: str, samples: dict[str, float]) -> None:
    """The state of an environment gives these samples."""
    assert told(world, name) == samples


def test_buckets_of_a_stage() -> None:
    """The buckets of a stage are cumulative."""
    buckets = told(replace(BOOKED, run_counts=STAGES), "azora_stage_duration_seconds_bucket")
    assert (buckets["look,1.0"], buckets["look,10.0"], buckets["look,20.0"]) == (1, 1, 2)
    assert (buckets["look,1800.0"], buckets["look,+Inf"]) == (2, 3)


def test_labels_of_a_sample() -> None:
    """Each sample has exactly the labels of its metric."""
    world = replace(GONE_BACK, rollback=LastRollback(at=NOW, seconds=1), run_counts=STAGES.after_run(NIGHT))
    for sample in measured("production", world, NOW):
        expected = {*sample.measure.labels, *({"le"} if sample.suffix == "_bucket" else ())}
        assert set(sample.labels) == expected
        assert sample.measure in MEASURES
