"""Result of a probe, counted per request: failures, and which color answered from when to when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

TIMES_KEPT = 5


@dataclass(frozen=True, slots=True)
class ProbedRequest:
    """One request: epoch seconds of its start, how long it took, what it was answered by or why not.

    `color` is None where the answer named none; `resent` says that the client had to send it again (see gateways/probe).
    """

    at: float
    seconds: float
    color: str | None = None
    failure: str | None = None
    fresh: bool = True
    resent: bool = False


@dataclass(frozen=True)
class Presence:
    """Answers of one color; `first` and `last` are epoch seconds of those requests' starts."""

    count: int
    first: float
    last: float


@dataclass(frozen=True)
class Failure:
    """Failed requests of one kind, and when the first few of them began (epoch seconds)."""

    kind: str
    count: int
    at: tuple[float, ...]


@dataclass(frozen=True)
class Counts:
    """Requests of one kind.

    p50 and p99 are those of answered requests, exact to 0.1 ms; None without an answer.
    """

    total: int = 0
    failed: int = 0
    resent: int = 0
    failures: tuple[Failure, ...] = ()
    colors: Mapping[str, Presence] = field(default_factory=dict)
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True)
class ProbeResult:
    """Requests from `began` to `ended` (epoch seconds): all of them, fresh connections, kept-alive ones.

    `unsent` counts requests that were due while too many waited for an answer: with any of them the rate was not held.
    """

    began: float
    ended: float
    rate_per_second: float
    unsent: int = 0
    all: Counts = Counts()
    fresh: Counts = Counts()
    kept: Counts = Counts()

    @property
    def total(self) -> int:
        return self.all.total

    @property
    def failed(self) -> int:
        return self.all.failed

    def first_on(self, color: str) -> float | None:
        """Epoch seconds at which the first request that *color* answered began."""
        seen = self.all.colors.get(color)
        return seen.first if seen else None

    def last_on(self, color: str) -> float | None:
        """Epoch seconds at which the last request that *color* answered began."""
        seen = self.all.colors.get(color)
        return seen.last if seen else None

    def summary(self, switched_at: float | None = None) -> str:
        """One line; times of colors are relative to *switched_at*, else to the start."""
        start = self.began if switched_at is None else switched_at
        parts = [f"{self.total} requests, {self.failed} failed"]
        parts += [f"{failure.count} × {failure.kind}" for failure in self.all.failures]
        for color, seen in sorted(self.all.colors.items()):
            parts.append(f"{color} {seen.count} ({seen.first - start:+.2f} to {seen.last - start:+.2f} s)")
        if self.all.p99_ms is not None:
            parts.append(f"p50 {self.all.p50_ms:.1f} ms, p99 {self.all.p99_ms:.1f} ms")
        if self.unsent:
            parts.append(f"{self.unsent} not sent")
        return "; ".join(parts)


_FORM: TypeAdapter[ProbeResult] = TypeAdapter(ProbeResult)


def to_json(result: ProbeResult) -> str:
    return _FORM.dump_json(result, indent=1).decode()


def read_result(file: Path) -> ProbeResult:
    """The result that a probe wrote; pydantic's ValidationError for anything else."""
    return _FORM.validate_json(file.read_bytes())


class RequestCounter:
    """Counts samples of one sort as they end, in memory that does not grow with their number."""

    def __init__(self) -> None:
        self._total = self._failed = self._resent = 0
        self._colors: dict[str, Presence] = {}
        self._failures: dict[str, Failure] = {}
        self._tenths: Counter[int] = Counter()

    def add(self, sample: ProbedRequest) -> None:
        """Samples may come in any order of their starts."""
        self._total += 1
        self._resent += sample.resent
        if sample.failure is not None:
            self._failed += 1
            known = self._failures.get(sample.failure, Failure(sample.failure, 0, ()))
            at = tuple(sorted((*known.at, sample.at))[:TIMES_KEPT])
            self._failures[sample.failure] = Failure(known.kind, known.count + 1, at)
            return
        self._tenths[round(sample.seconds * 10_000)] += 1
        if sample.color is not None:
            seen = self._colors.get(sample.color, Presence(0, sample.at, sample.at))
            first, last = min(seen.first, sample.at), max(seen.last, sample.at)
            self._colors[sample.color] = Presence(seen.count + 1, first, last)

    def counts(self) -> Counts:
        failures = tuple(sorted(self._failures.values(), key=lambda failure: failure.at))
        p50, p99 = percentile(self._tenths, 0.5), percentile(self._tenths, 0.99)
        return Counts(self._total, self._failed, self._resent, failures, dict(self._colors), p50, p99)


def percentile(tenths: Mapping[int, int], share: float) -> float | None:
    """Milliseconds that at least *share* of the counted tenths of a millisecond do not exceed."""
    wanted, seen = share * sum(tenths.values()), 0
    for value in sorted(tenths):
        seen += tenths[value]
        if seen >= wanted:
            return value / 10
    return None


def count(samples: Iterable[ProbedRequest]) -> Counts:
    """All of *samples* at once."""
    tally = RequestCounter()
    for sample in samples:
        tally.add(sample)
    return tally.counts()
