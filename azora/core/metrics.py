"""Metrics of an environment for Prometheus: from its state to samples. docs/monitoring.md lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import Literal

from azora.core.cluster.record import Receipt, Switch
from azora.core.cluster.run_counts import BOUNDS_SECONDS, RunCounts, Spread
from azora.core.cluster.state import Stack, World


@dataclass(frozen=True)
class Measure:
    """A metric: its family in Prometheus' words. *name* of a counter is without `_total`."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    help: str

    @property
    def exposed(self) -> str:
        return f"{self.name}_total" if self.kind == "counter" else self.name


@dataclass(frozen=True)
class Sample:
    measure: Measure
    value: float
    labels: dict[str, str] = field(default_factory=dict)
    suffix: str = ""
    """Of a histogram: `_bucket`, `_count`, `_sum`."""


def _gauge(name: str, *labels: str, help: str) -> Measure:  # noqa: A002 - Prometheus' own word
    return Measure(name, "gauge", labels, help)


UP = _gauge("azora_environment_up", "environment", help="1 when the cluster answered, 0 when it did not.")
ERRORS = Measure(
    "azora_environment_errors", "counter", ("environment",), "Failed reads of the namespace since the exporter started."
)
LIVE = _gauge(
    "azora_live_info", "environment", "color", "release", "commit", help="Color and release that serve users. Always 1."
)
STACK = _gauge(
    "azora_stack_info", "environment", "color", "release", "commit", help="Release that a color runs. Always 1."
)
READY = _gauge("azora_stack_ready", "environment", "color", help="1 when all desired pods of a color are ready.")
PROVED = _gauge("azora_stack_proved", "environment", "color", help="1 when the release of a color is proved.")
WANTED = _gauge("azora_pods_wanted", "environment", "color", "service", help="Desired pods of a Deployment.")
PODS = _gauge(
    "azora_pods_ready", "environment", "color", "service", help="Pods of a Deployment that are ready and up to date."
)
HEADS = _gauge(
    "azora_migration_head_info", "environment", "color", "head", help="Newest migration in the release of a color."
)
IN_DOUBT = _gauge(
    "azora_migrations_in_doubt", "environment", help="Migrations of failed installs: applied or not is unknown."
)
DRIFT = _gauge(
    "azora_color_drift", "environment", "kind",
    help="1 when the cluster differs from the switch log.",
)  # fmt: skip
OVERRIDES = _gauge("azora_overrides_in_force", "environment", help="Objects changed by an override of the gate.")
FROZEN = _gauge("azora_frozen", "environment", help="1 while a freeze keeps promotions from beginning.")
QUESTIONS = _gauge("azora_approvals_waiting", "environment", help="Open approval requests.")
WAITING = _gauge(
    "azora_approval_waiting_seconds", "environment", help="Age of the oldest open approval request; 0 without one."
)
SWITCHES = Measure(
    "azora_switches", "counter", ("environment",), "Traffic switches, including manual ones and rollbacks."
)
SWITCH_AT = _gauge(
    "azora_last_switch_timestamp_seconds", "environment", "kind", "color", help="Time of the last switch."
)
WATCHED_AT = _gauge(
    "azora_watched_switch_timestamp_seconds", "environment", help="Time of the last switch that a probe watched."
)
REQUESTS = _gauge(
    "azora_watched_switch_requests", "environment", help="Requests that the probe sent around this switch."
)
FAILED = _gauge("azora_watched_switch_failed_requests", "environment", help="Requests of the probe that failed.")
P99 = _gauge("azora_watched_switch_p99_seconds", "environment", help="99th percentile of the probe's response times.")
GOOD = _gauge("azora_watched_switch_good", "environment", help="1 when the verdict on this switch is good.")
ROLLBACK = _gauge(
    "azora_last_rollback_duration_seconds",
    "environment",
    help="Duration of the last rollback, from its start to the switch.",
)
ROLLBACK_AT = _gauge("azora_last_rollback_timestamp_seconds", "environment", help="Time of the last rollback.")
PROOF_AT = _gauge("azora_last_proof_timestamp_seconds", "environment", help="Time of the newest proof.")
RUNS = Measure("azora_runs", "counter", ("environment", "flow", "result"), "Finished runs by result.")
RUN_AT = _gauge(
    "azora_last_run_timestamp_seconds", "environment", "flow", help="Time when the last run of a flow finished."
)
RUN_OK = _gauge("azora_last_run_ok", "environment", "flow", help="1 when the last run of a flow succeeded.")
STAGES = Measure(
    "azora_stage_duration_seconds", "histogram", ("environment", "stage"), "Duration of the stages that succeeded."
)  # fmt: skip
CERTIFICATE = _gauge(
    "azora_certificate_expiry_timestamp_seconds", "certificate", help="Expiry of a certificate or token that the pipeline uses."
)  # fmt: skip
FREE = _gauge("azora_disk_free_bytes", "folder", help="Free space of the file system with this folder.")
SIZE = _gauge("azora_disk_size_bytes", "folder", help="Size of the file system with this folder.")

MEASURES = tuple(found for found in list(globals().values()) if isinstance(found, Measure))


def measured(environment: str, world: World, now: datetime) -> Iterator[Sample]:
    """Yield the samples of *environment* from *world* at the moment *now*."""
    for sample in _measured(world, now):
        yield Sample(sample.measure, sample.value, {"environment": environment, **sample.labels}, sample.suffix)


def unreachable(environment: str) -> Sample:
    return Sample(UP, 0, {"environment": environment})


def _measured(world: World, now: datetime) -> Iterator[Sample]:
    yield Sample(UP, 1)
    if world.active_stack:
        yield Sample(LIVE, 1, _identity(world.active_stack))
    for stack in world.stacks.values():
        yield from _stack(stack)
    yield Sample(IN_DOUBT, len(world.migrating))
    yield from (Sample(DRIFT, float(is_so), {"kind": kind}) for kind, is_so in _drifts(world).items())
    yield Sample(OVERRIDES, len(world.overrides))
    yield Sample(FROZEN, float(world.freezes.in_force(now) is not None))
    yield from _waiting(world, now)
    yield from _switches(world)
    if world.rollback:
        yield Sample(ROLLBACK, world.rollback.seconds)
        yield Sample(ROLLBACK_AT, world.rollback.at.timestamp())
    if world.proofs:
        yield Sample(PROOF_AT, max(proof.at for proof in world.proofs).timestamp())
    yield from _tally(world.run_counts)


def _stack(stack: Stack) -> Iterator[Sample]:
    if not stack.wanted:
        return
    color = {"color": str(stack.color)}
    yield Sample(STACK, 1, _identity(stack))
    yield Sample(READY, float(stack.is_ready), color)
    yield Sample(PROVED, float(stack.is_proved), color)
    for service, count in sorted(stack.wanted.items()):
        yield Sample(WANTED, count, {**color, "service": service})
        yield Sample(PODS, stack.ready.get(service, 0), {**color, "service": service})
    for head in stack.known.migration_heads if stack.known else ():
        yield Sample(HEADS, 1, {**color, "head": head})


def _identity(stack: Stack) -> dict[str, str]:
    commit = stack.known.commit[:7] if stack.known else ""
    return {"color": str(stack.color), "release": stack.label or "", "commit": commit}


def _drifts(world: World) -> dict[str, bool]:
    """Kinds of drift between the cluster and the log of switches.

    `selector`: users are not where the last switch sent them; `preview`: both Services select one color; `release`: the
    live color does not run the release of its switch, or runs two at once.
    """
    last, live = world.last_switch, world.active_stack
    return {
        "selector": world.has_drifted,
        "preview": world.active is not None and world.preview_points_at is world.active,
        "release": bool(last and live and live.wanted and last.to is live.color and live.release != last.release),
    }


def _waiting(world: World, now: datetime) -> Iterator[Sample]:
    asked = [question.at for question in world.questions if question.until > now and not question.replaced]
    yield Sample(QUESTIONS, len(asked))
    yield Sample(WAITING, max((now - min(asked)).total_seconds(), 0.0) if asked else 0)


def _switches(world: World) -> Iterator[Sample]:
    last = world.last_switch
    yield Sample(SWITCHES, last.number if last else 0)
    if last:
        yield Sample(SWITCH_AT, last.at.timestamp(), {"kind": last.kind, "color": str(last.to)})
    if watched := _watched(world):
        switch, receipt = watched
        yield Sample(WATCHED_AT, switch.at.timestamp())
        yield Sample(REQUESTS, receipt.total)
        yield Sample(FAILED, receipt.failed)
        yield Sample(GOOD, float(receipt.verdict == "good"))
        if receipt.p99_ms is not None:
            yield Sample(P99, receipt.p99_ms / 1000)


def _watched(world: World) -> tuple[Switch, Receipt] | None:
    """Newest switch with a probe's receipt.

    A manual switch has no receipt, and an automatic rollback would hide its reason.
    """
    for switch in reversed(world.switches):
        receipt = world.receipt_of(switch.number)
        if receipt and receipt.total:
            return switch, receipt
    return None


def _tally(tally: RunCounts) -> Iterator[Sample]:
    for flow, counts in sorted(tally.flows.items()):
        for result, count in sorted(counts.results.items()):
            yield Sample(RUNS, count, {"flow": flow, "result": result})
        yield Sample(RUN_AT, counts.last.at.timestamp(), {"flow": flow})
        yield Sample(RUN_OK, float(counts.last.went_well), {"flow": flow})
    for stage, spread in sorted(tally.stages.items()):
        yield from _histogram({"stage": stage}, spread)


def _histogram(labels: dict[str, str], spread: Spread) -> Iterator[Sample]:
    up_to = [*(f"{bound:.1f}" for bound in BOUNDS_SECONDS), "+Inf"]
    for bound, count in zip(up_to, accumulate(spread.counts), strict=True):
        yield Sample(STAGES, count, {**labels, "le": bound}, "_bucket")
    yield Sample(STAGES, sum(spread.counts), labels, "_count")
    yield Sample(STAGES, spread.seconds, labels, "_sum")
