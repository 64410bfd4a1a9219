"""History of each case in the last runs against an environment, by which a flaky case is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from azora.core.checks.suite_result import Case, Outcome, SuiteResult

KEPT = 20

History = dict[str, list[Outcome]]  # oldest first
HISTORY: TypeAdapter[History] = TypeAdapter(History)


def with_history(result: SuiteResult, past: Mapping[str, list[Outcome]]) -> SuiteResult:
    """*result*, each case with how it fared before."""
    return replace(result, cases=tuple(replace(case, before=tuple(past.get(case.name, ()))) for case in result.cases))


def after(result: SuiteResult, past: Mapping[str, list[Outcome]]) -> History:
    """History with *result* added; cases that no longer exist are forgotten."""
    return {case.name: [*past.get(case.name, []), case.outcome][-KEPT:] for case in result.cases}


def told(case: Case) -> str:
    """In words: `flaky in 2 of the last 9 runs`, this one included."""
    runs = [*case.before, case.outcome][-KEPT:]
    return f"{case.outcome} in its first run here" if len(runs) == 1 else format_runs(runs)


def format_runs(runs: Sequence[Outcome]) -> str:
    """Format the history of a case: `failed in 1, flaky in 2 of the last 9 runs`."""
    counts = [(runs.count(word), word) for word in ("failed", "flaky") if word in runs]
    said = ", ".join(f"{word} in {count}" for count, word in counts) or "passed in all"
    return f"{said} of the last {len(runs)} runs"
