"""Page of a nightly run: the runs before it in numbers, cases that cannot be trusted, new commits.

The night itself, red or green, is `azora.core.messages.notifications.Night`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from azora.core.checks.case_history import History, format_runs
from azora.core.cluster.record import Receipt
from azora.core.cluster.state import World
from azora.core.messages.markdown import cell, code
from azora.core.messages.notifications import Night
from azora.core.messages.plan_page import listed
from azora.core.promotion.plan import Change, counted

SHOWN = 30
SHOWN_COMMITS = 20
ERROR_CHARACTERS = 300

# In the order in which they come; whatever is none of them is not timed by itself.
STAGES = ("pruning", "unit tests", "images", "promotion", "end-to-end cases")

# Labels of a run, where its figures outlive the environment's record.
REQUESTS, FAILED, LAST_ON_OLD = "azora.dev/requests", "azora.dev/failed", "azora.dev/last-on-old-seconds"

Labels = Mapping[str, bool | int | float | str]


@dataclass(frozen=True)
class Span:
    """One task of a run, from its first start to its last end."""

    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Figures:
    """One night in numbers: seconds of each stage, and what its switch did to users, where it made one."""

    night: Night
    stages: Mapping[str, float] = field(default_factory=dict)
    requests: int | None = None
    failed: int | None = None
    last_on_old_seconds: float | None = None

    @property
    def seconds(self) -> float:
        return sum(self.stages.values())


def figures(night: Night, spans: Iterable[Span], labels: Labels) -> Figures:
    """The numbers of *night* by the tasks of its run and the labels that it left."""
    return Figures(
        night,
        seconds_by_stage(spans),
        requests=_whole(labels.get(REQUESTS)),
        failed=_whole(labels.get(FAILED)),
        last_on_old_seconds=float(seen) if isinstance(seen := labels.get(LAST_ON_OLD), int | float) else None,
    )


def labels_of(receipt: Receipt) -> dict[str, bool | int | float | str]:
    """Labels of the run that made a switch: what was counted around it."""
    found = {REQUESTS: receipt.total, FAILED: receipt.failed, LAST_ON_OLD: receipt.last_on_old_seconds}
    return {name: value for name, value in found.items() if value is not None}


def receipt_by(world: World, run: str) -> Receipt | None:
    """Receipt of the first switch that *run* made there: a rollback tells nothing of the release."""
    made = [world.receipt_of(switch.number) for switch in world.switches if switch.by == run]
    return next(filter(None, made), None)


def stage_of(task: str) -> str | None:
    """The stage that a task belongs to, by its name as people read it."""
    if task == "prune":
        return "pruning"
    if task.startswith("test "):
        return "unit tests"
    if task.startswith("build ") or task in {"render the charts", "look up built images", "freeze the release"}:
        return "images"
    if ": end-to-end" in task:
        return "end-to-end cases"
    return "promotion" if ": " in task else None


def seconds_by_stage(spans: Iterable[Span]) -> dict[str, float]:
    """By the clock on the wall: what runs side by side counts once."""
    of: dict[str, list[Span]] = {}
    for span in spans:
        if stage := stage_of(span.name):
            of.setdefault(stage, []).append(span)
    return {stage: _covered(of[stage]) for stage in STAGES if stage in of}


def flaky(histories: Mapping[str, History]) -> list[str]:
    """Cases that passed only at a second try lately, each with where and how it fared, the worst first."""
    cases = [
        (f"{code(name)} ({code(where)})", runs)
        for where, history in histories.items()
        for name, runs in history.items()
        if "flaky" in runs
    ]
    cases.sort(key=lambda case: (-case[1].count("flaky"), case[0]))
    return [f"{name}: {format_runs(runs)}" for name, runs in cases]


def page(nights: Sequence[Figures], *, plot: str, unreliable: Sequence[str], changes: Sequence[Change] | None) -> str:
    """Markdown page of the first of *nights* (newest first); *plot* is its picture's address, or empty.

    *changes* are the commits since the night before; None where one of the two commits is not known.
    """
    now = nights[0]
    since = "Unknown: this nightly run or the one before found no commit." if changes is None else _listed(changes)
    parts = [
        f"# Nightly run of {now.night.at:%Y-%m-%d}",
        "succeeded"
        if now.night.went_well
        else f"failed {_where(now.night, code)}: {code(now.night.error, ERROR_CHARACTERS)}",
        f"![Stage times and switches of the last nightly runs]({plot})" if plot else "",
        "## Commits since the nightly run before",
        since,
        "## Flaky cases",
        "\n".join(f"- {case}" for case in unreliable) or "None in the last runs.",
        f"## Last {counted(len(nights), 'nightly run')}",
        _table(nights),
    ]
    return "\n\n".join(filter(None, parts))


def _table(nights: Sequence[Figures]) -> str:
    titles = ["date", "", *STAGES, "requests", "failed", "last on the old color"]
    lines = [titles, ["---"] * len(titles), *map(_row, nights)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(one: Figures) -> list[str]:
    stages = [f"{one.stages[stage]:.0f} s" if stage in one.stages else "–" for stage in STAGES]
    last = "–" if one.last_on_old_seconds is None else f"{one.last_on_old_seconds:+.3f} s"
    counts = ["–" if count is None else str(count) for count in (one.requests, one.failed)]
    mark = "✓" if one.night.went_well else f"✗ {_where(one.night, cell)}"
    return [f"[{one.night.at:%Y-%m-%d}]({one.night.link})", mark, *stages, *counts, last]


def _listed(changes: Sequence[Change]) -> str:
    return "\n".join(listed(changes, SHOWN_COMMITS)) or "None: the same commit."


def _where(night: Night, shown: Callable[[str], str]) -> str:
    return f"at {', '.join(map(shown, night.steps))}" if night.steps else night.where


def _covered(spans: Iterable[Span]) -> float:
    """Seconds in which at least one of them ran."""
    seconds, until = 0.0, None
    for span in sorted(spans, key=lambda span: span.start):
        start = max(span.start, until) if until else span.start
        seconds += max(0.0, (span.end - start).total_seconds())
        until = max(span.end, until) if until else span.end
    return seconds


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
