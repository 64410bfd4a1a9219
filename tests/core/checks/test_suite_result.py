"""A suite's JUnit file, read without trust, and the result that follows from it."""

from __future__ import annotations

import pytest

from azora.core.checks.junit import cases_of
from azora.core.checks.suite_result import Case, SuiteResult, after_second_try

ID = '<properties><property name="other" value="x"/><property name="node_id" value="t.py::t"/></properties>'


def junit(*inner: str, time: str = "0.5") -> str:
    cases = "".join(f'<testcase classname="t" name="t" time="{time}">{one}</testcase>' for one in inner)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest">{cases}</testsuite></testsuites>'
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(junit(ID), Case("t.py::t", "passed", 0.5), id="passed"),
        pytest.param(
            junit(f'{ID}<failure message="assert 1 == 2">long</failure>'),
            Case("t.py::t", "failed", 0.5, "assert 1 == 2"),
            id="failed",
        ),
        pytest.param(
            junit(f"{ID}<error>no database</error>"), Case("t.py::t", "failed", 0.5, "no database"), id="no message"
        ),
        pytest.param(
            junit(f'{ID}<skipped message="no card"/>'), Case("t.py::t", "skipped", 0.5, "no card"), id="skipped"
        ),
        pytest.param(
            junit(f'{ID}<skipped message="no card"/><error message="left open"/>'),
            Case("t.py::t", "failed", 0.5, "no card"),
            id="skipped, then broken",
        ),
        pytest.param(
            junit(f'{ID}<failure message="first"/>', f'{ID}<error message="second"/>'),
            Case("t.py::t", "failed", 1.0, "first"),
            id="failed, then broken",
        ),
        pytest.param(
            junit(f'{ID}<error message="first"/>', ID), Case("t.py::t", "failed", 1.0, "first"), id="failed and passed"
        ),
        pytest.param(junit(f"{ID}<system-out>text</system-out>"), Case("t.py::t", "passed", 0.5), id="output"),
        pytest.param(junit(f"{ID}<doubtful/>"), Case("t.py::t", "failed", 0.5), id="what is not known is no pass"),
        pytest.param(junit(ID, time="long"), Case("t.py::t", "passed", 0.0), id="no number"),
        pytest.param(junit(ID, time="nan"), Case("t.py::t", "passed", 0.0), id="not a number"),
        pytest.param(junit(ID, time="1e400"), Case("t.py::t", "passed", 0.0), id="without end"),
        pytest.param(junit(ID, time="-1"), Case("t.py::t", "passed", 0.0), id="before it began"),
        pytest.param(
            junit(f'{ID}<failure message="{"x" * 2000}"/>'), Case("t.py::t", "failed", 0.5, "x" * 1000), id="long"
        ),
    ],
)
def test_case_of_a_junit_file(text: str, expected: Case) -> None:
    """Only a case without any result has passed."""
    assert cases_of(text) == (expected,)


def test_case_of_a_skipped_module() -> None:
    """A module that skips itself is not a case."""
    assert cases_of(junit('<skipped message="collection skipped">why</skipped>', ID)) == (
        Case("t.py::t", "passed", 0.5),
    )


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>
<testsuites>&b;</testsuites>"""
OF_THE_MACHINE = '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuites>&x;</testsuites>'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "not XML: no element found", id="empty"),
        pytest.param(junit(ID)[:-20], "not XML", id="cut"),
        pytest.param(BOMB, "DOCTYPE", id="entities that expand"),
        pytest.param(OF_THE_MACHINE, "DOCTYPE", id="a file of the machine"),
        pytest.param(
            junit('<error message="collection failure">no module x</error>'), "'t' is no case: no module x", id="broken"
        ),
        pytest.param(junit(""), "'t' is no case: not finished", id="no end"),
    ],
)
def test_junit_file_that_cannot_be_trusted(text: str, says: str) -> None:
    """A broken or hostile file of a tested commit gives no verdict."""
    with pytest.raises(ValueError, match=says):
        cases_of(text)


def test_flaky_case() -> None:
    """Only a case that failed first and passed in the second try is flaky."""
    first = [Case("a", "failed", 1, "why"), Case("b", "failed", 1), Case("c", "skipped", 0)]
    second = [Case("a", "passed", 1), Case("b", "failed", 1), Case("c", "passed", 1)]

    assert [case.outcome for case in after_second_try(first, second)] == ["flaky", "failed", "skipped"]
    assert after_second_try(first, second)[0].message == "why"


def test_result_without_a_pass() -> None:
    """A suite of which nothing ran, or all was skipped, has not passed."""
    assert not SuiteResult((), 0).ok
    assert not SuiteResult((Case("a", "skipped", 0),), 0).ok
    assert SuiteResult((Case("a", "flaky", 0),), 0).ok
    assert SuiteResult((Case("a", "flaky", 0), Case("b", "passed", 0)), 3.4).summary() == "1 passed, 1 flaky in 3 s"


@pytest.mark.parametrize(("seconds", "text"), [(34.2, "1 passed in 34 s"), (0, "1 passed")])
def test_time_in_the_summary(seconds: float, text: str) -> None:
    """A time that nobody measured is not shown as `0 s`."""
    assert SuiteResult((Case("a", "passed", 0),), seconds).summary() == text
