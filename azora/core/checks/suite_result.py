"""Result of a suite: cases, their outcomes, and the files that a failed one left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

Outcome = Literal["passed", "failed", "flaky", "skipped"]


@dataclass(frozen=True)
class Case:
    """One case of a suite.

    `name` is pytest's node id below the suite's folder. `message` is the reason of a failure or skip. `before` has the
    outcomes of earlier runs, oldest first.
    """

    name: str
    outcome: Outcome
    seconds: float
    message: str = ""
    screenshot: Path | None = None
    video: Path | None = None
    trace: Path | None = None
    before: tuple[Outcome, ...] = ()

    @property
    def pictures(self) -> dict[str, Path]:
        """The files that a failed browser case left."""
        found = {"screenshot": self.screenshot, "video": self.video, "trace": self.trace}
        return {kind: file for kind, file in found.items() if file}


@dataclass(frozen=True)
class SuiteResult:
    """Outcome of a suite; `seconds` is the wall clock (0: not measured), `files` are the reports by kind."""

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
        """One line: `12 passed, 1 flaky in 34 s`; without a time that nobody measured."""
        counts = [(self.passed, "passed"), (self.failed, "failed"), (self.flaky, "flaky"), (self.skipped, "skipped")]
        said = ", ".join(f"{count} {word}" for count, word in counts if count)
        return f"{said or 'no cases'}{f' in {self.seconds:.0f} s' if self.seconds else ''}"

    def _count(self, outcome: Outcome) -> int:
        return sum(case.outcome == outcome for case in self.cases)


def report_of(result: SuiteResult, folder: Path) -> dict[str, object]:
    """The content of `report.json` (docs/suites.md): *result* as plain data, files relative to *folder*."""
    return {
        "ok": result.ok,
        "summary": result.summary(),
        "seconds": result.seconds,
        "cases": [
            {"name": case.name, "outcome": case.outcome, "seconds": case.seconds, "message": case.message}
            | {kind: str(file.relative_to(folder)) for kind, file in case.pictures.items()}
            for case in result.cases
        ],
    }


def after_second_try(first: Sequence[Case], second: Sequence[Case]) -> tuple[Case, ...]:
    """Cases of *first*; a failed case that passed in *second* is flaky.

    Its message and pictures stay those of the first attempt.
    """
    passed = {case.name for case in second if case.outcome == "passed"}
    return tuple(
        replace(case, outcome="flaky") if case.outcome == "failed" and case.name in passed else case for case in first
    )
