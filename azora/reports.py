"""What a run of a suite said: cases, their outcomes and what a failing one left to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["passed", "failed", "flaky", "skipped"]

MESSAGE_CHARACTERS = 1000

# https://docs.pytest.org/en/stable/reference/reference.html#pytest.CallInfo and pytest-json-report's own words
_OUTCOMES: Mapping[str, Outcome] = {"passed": "passed", "xpassed": "passed", "skipped": "skipped", "xfailed": "skipped"}


@dataclass(frozen=True)
class Case:
    """One case; `name` is pytest's node id below the suite's folder, `message` why it failed or was skipped, `before`
    how it fared in the runs before, oldest first.
    """

    name: str
    outcome: Outcome
    seconds: float
    message: str = ""
    screenshot: Path | None = None
    video: Path | None = None
    trace: Path | None = None
    before: tuple[Outcome, ...] = ()


@dataclass(frozen=True)
class SuiteResult:
    """Outcome of a suite; `seconds` is the wall clock, `files` are the reports of the run by kind."""

    cases: tuple[Case, ...]
    seconds: float
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        """Cases that passed at the first try."""
        return self._count("passed")

    @property
    def failed(self) -> int:
        return self._count("failed")

    @property
    def flaky(self) -> int:
        """Cases that failed at first and passed at a second try."""
        return self._count("flaky")

    @property
    def skipped(self) -> int:
        return self._count("skipped")

    @property
    def ok(self) -> bool:
        """Something ran and nothing failed; a flaky case does not stop a release, it is shown."""
        return self.failed == 0 and self.passed + self.flaky > 0

    def failures(self) -> list[Case]:
        return [case for case in self.cases if case.outcome == "failed"]

    def summary(self) -> str:
        """One line: `12 passed, 1 flaky in 34 s`."""
        counts = [(self.passed, "passed"), (self.failed, "failed"), (self.flaky, "flaky"), (self.skipped, "skipped")]
        said = ", ".join(f"{count} {word}" for count, word in counts if count)
        return f"{said or 'no cases'} in {self.seconds:.0f} s"

    def _count(self, outcome: Outcome) -> int:
        return sum(case.outcome == outcome for case in self.cases)


def cases_of(report: Mapping[str, Any]) -> tuple[Case, ...]:
    """The cases of a report that pytest-json-report wrote."""
    return tuple(_case(test) for test in report.get("tests", []))


def after_second_try(first: Sequence[Case], second: Sequence[Case]) -> tuple[Case, ...]:
    """*first*, where a failed case that passed in *second* is flaky; its message and pictures stay the first try's."""
    passed = {case.name for case in second if case.outcome == "passed"}
    return tuple(
        replace(case, outcome="flaky") if case.outcome == "failed" and case.name in passed else case for case in first
    )


def _case(test: Mapping[str, Any]) -> Case:
    phases = [test[phase] for phase in ("setup", "call", "teardown") if phase in test]
    seconds = sum(float(phase.get("duration", 0)) for phase in phases)
    outcome = _OUTCOMES.get(test["outcome"], "failed")
    said = "" if outcome == "passed" else next(filter(None, map(_message, phases)), "")
    return Case(test["nodeid"], outcome, round(seconds, 3), said)


def _message(phase: Mapping[str, Any]) -> str:
    if phase.get("outcome") == "passed":
        return ""
    crash = phase.get("crash") or {}
    text = str(crash.get("message") or phase.get("longrepr") or "")
    return text[:MESSAGE_CHARACTERS]
