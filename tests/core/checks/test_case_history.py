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
def test_history_of_a_flaky_case(before: tuple[Outcome, ...], now: Outcome, said: str) -> None:
    """The text of a flaky case counts how often the case was flaky or failed in its last runs."""
    assert told(Case("a", now, 1, before=before)) == said


def test_history_file(tmp_path: Path) -> None:
    """Runs are stored in order, and the folder holds one file per suite and no temporary file."""
    file = tmp_path / "cases/staging-e2e.json"
    remembered(result(a="passed", b="passed"), file)
    remembered(result(a="flaky", b="passed"), file)
    (a,) = remembered(result(a="failed"), file).cases

    assert a.before == ("passed", "flaky")
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_history_file_that_is_broken(tmp_path: Path) -> None:
    """A history file that cannot be read is begun anew and fails no run."""
    file = tmp_path / "staging-e2e.json"
    file.write_text('{"a": ["perhaps"')

    assert remembered(result(a="passed"), file).ok
    assert remembered(result(a="passed"), file).cases[0].before == ("passed",)
