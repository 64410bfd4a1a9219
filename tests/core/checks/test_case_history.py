"""A flaky case is told with how often it was so, and the memory of that never costs a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from azora.core.checks.case_history import KEPT, told
from azora.core.checks.suite_result import Case, Outcome, SuiteResult
from azora.gateways.suites.history_file import remembered


def result(**outcomes: Outcome) -> SuiteResult:
    return SuiteResult(tuple(Case(name, outcome, 1) for name, outcome in outcomes.items()), 1)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        pytest.param((), "flaky", "flaky in its first run here", id="never seen"),
        pytest.param(("passed", "flaky"), "flaky", "flaky in 2 of the last 3 runs", id="again"),
        pytest.param(("failed", "passed"), "flaky", "failed in 1, flaky in 1 of the last 3 runs", id="failed before"),
        pytest.param(("flaky", *["passed"] * KEPT), "failed", f"failed in 1 of the last {KEPT} runs", id="long ago"),
    ],
)
def test_a_history_in_words(before: tuple[Outcome, ...], now: Outcome, said: str) -> None:
    assert told(Case("a", now, 1, before=before)) == said


def test_runs_are_remembered_in_order(tmp_path: Path) -> None:
    file = tmp_path / "cases/staging-e2e.json"
    remembered(result(a="passed", b="passed"), file)
    remembered(result(a="flaky", b="passed"), file)
    (a,) = remembered(result(a="failed"), file).cases

    assert a.before == ("passed", "flaky")
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_broken_memory_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "staging-e2e.json"
    file.write_text('{"a": ["perhaps"')

    assert remembered(result(a="passed"), file).ok
    assert remembered(result(a="passed"), file).cases[0].before == ("passed",)
