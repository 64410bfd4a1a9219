"""Counts over the runs of a namespace, kept beside its record: results, and durations of stages.

Prefect forgets its runs, and a scrape that reads them would fail with it. These counts only grow, as Prometheus wants it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

BOUNDS_SECONDS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
"""From a look at the cluster to an hour's install; another row of them needs another key of the record."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Spread(_Kept):
    """Histogram of durations: how many up to each of BOUNDS_SECONDS and above the last one, and their sum."""

    counts: tuple[int, ...] = (0,) * (len(BOUNDS_SECONDS) + 1)
    seconds: float = 0

    def plus(self, seconds: float) -> Spread:
        place = bisect_left(BOUNDS_SECONDS, seconds)
        counts = (*self.counts[:place], self.counts[place] + 1, *self.counts[place + 1 :])
        return Spread(counts=counts, seconds=round(self.seconds + seconds, 3))


class Ending(_Kept):
    """End of a run of *flow*: *result* is the name of its last state, in lower case."""

    flow: str
    result: str
    went_well: bool
    at: datetime


class FlowTally(_Kept):
    """Counts of the runs of one flow by result, and the last result."""

    results: Mapping[str, int] = Field(default_factory=dict)
    last: Ending


class RunCounts(_Kept):
    flows: Mapping[str, FlowTally] = Field(default_factory=dict)
    stages: Mapping[str, Spread] = Field(default_factory=dict)

    def after_run(self, ending: Ending) -> RunCounts:
        known = self.flows.get(ending.flow)
        results = dict(known.results) if known else {}
        results[ending.result] = results.get(ending.result, 0) + 1
        return self.model_copy(update={"flows": {**self.flows, ending.flow: FlowTally(results=results, last=ending)}})

    def after_stages(self, seconds: Iterable[tuple[str, float]]) -> RunCounts:
        stages = dict(self.stages)
        for name, took in seconds:
            stages[name] = stages.get(name, Spread()).plus(took)
        return self.model_copy(update={"stages": stages})


def by_environment(
    stages: Iterable[tuple[str, float]], environments: Iterable[str], home: str
) -> dict[str, list[tuple[str, float]]]:
    """Stages named `<environment>: <what>` go to that environment as `<what>`, all others to *home*."""
    known = set(environments)
    found: dict[str, list[tuple[str, float]]] = {}
    for name, seconds in stages:
        place, colon, what = name.partition(": ")
        where, stage = (place, what) if colon and place in known else (home, name)
        found.setdefault(where, []).append((stage, seconds))
    return found
