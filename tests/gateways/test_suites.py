"""A suite is run as it stands, by itself, and its verdict is never guessed."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from azora.errors import Failed, TestsFailed
from azora.gateways.suites import run_suite, run_unit_tests
from azora.reports import Case, SuiteResult, after_second_try, cases_of

CONFTEST = """
import pytest

def pytest_addoption(parser):
    for name in ("url", "connect", "expect-release", "expect-color"):
        parser.addoption(f"--azora-{name}", default="")

@pytest.fixture(scope="session")
def browser_type_launch_args():
    return {"executable_path": "/usr/bin/chromium-headless-shell", "args": ["--no-sandbox"]}
"""


def suite(folder: Path, cases: str, *, conftest: str = CONFTEST) -> Path:
    folder.mkdir(parents=True)
    (folder / "conftest.py").write_text(conftest)
    (folder / "test_shop.py").write_text(textwrap.dedent(cases))
    return folder


def outcomes(result: SuiteResult) -> dict[str, str]:
    return {case.name.split("::")[1]: case.outcome for case in result.cases}


def test_each_case_is_told_with_its_outcome_message_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = suite(
        tmp_path / "smoke",
        """
        import os, pytest
        def test_options(request):
            asked = [request.config.getoption(f"--azora-{n}") for n in ("url", "connect", "expect-release", "expect-color")]
            assert asked == ["http://shop.example", "127.0.0.1:80", "3f2a", "blue"]
        def test_bad(): assert 1 == 2, "one is not two"
        def test_none(): pytest.skip("no card reader")
        @pytest.fixture
        def broken(): raise RuntimeError("no database")
        def test_error(broken): pass
        def test_own_settings_stay_outside():
            assert not [key for key in os.environ if key.startswith(("AZORA_", "PREFECT_"))]
        """,
    )
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:secret")
    result = run_suite(
        folder,
        url="http://shop.example",
        connect="127.0.0.1:80",
        release="3f2a",
        color="blue",
        report_folder=tmp_path / "report",
    )

    assert outcomes(result) == {
        "test_options": "passed",
        "test_bad": "failed",
        "test_none": "skipped",
        "test_error": "failed",
        "test_own_settings_stay_outside": "passed",
    }
    assert (result.passed, result.failed, result.flaky, result.skipped, result.ok) == (2, 2, 0, 1, False)
    messages = {case.name.split("::")[1]: case.message for case in result.cases}
    assert "one is not two" in messages["test_bad"]
    assert "no database" in messages["test_error"]
    assert "no card reader" in messages["test_none"]
    assert all(file.stat().st_size > 100 for file in result.files.values())
    assert sorted(path.name for path in folder.iterdir()) == ["conftest.py", "test_shop.py"]


def test_the_secret_comes_in_a_variable_and_is_in_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = suite(
        tmp_path / "e2e",
        """
        import os
        def test_has_it(): assert os.environ["SUITE_SECRET"] == "open " + "sesame"
        def test_bad(): assert False
        """,
    )
    monkeypatch.setenv("SUITE_SECRET", "somebody else's")
    result = run_suite(folder, url="http://shop.example", report_folder=tmp_path / "report", secret="open sesame")

    assert outcomes(result) == {"test_has_it": "passed", "test_bad": "failed"}
    written = [file for file in (tmp_path / "report").rglob("*") if file.is_file()]
    assert not [file for file in written if b"open sesame" in file.read_bytes()]
    without = run_suite(folder, url="http://shop.example", report_folder=tmp_path / "report")
    assert outcomes(without)["test_has_it"] == "failed"


def test_what_passes_at_the_second_try_is_flaky(tmp_path: Path) -> None:
    folder = suite(
        tmp_path / "e2e",
        f"""
        import pathlib
        def test_good(): pass
        def test_bad(): assert False
        def test_sometimes():
            mark = pathlib.Path({str(tmp_path / "mark")!r})
            if not mark.exists():
                mark.touch()
                assert False, "once"
        """,
    )
    result = run_suite(folder, url="http://shop.example", report_folder=tmp_path / "report", workers=2, second_try=True)

    assert outcomes(result) == {"test_good": "passed", "test_bad": "failed", "test_sometimes": "flaky"}
    assert "once" in next(case.message for case in result.cases if case.outcome == "flaky")


def test_a_suite_is_not_configured_by_what_lies_above_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--no-such-option'\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('not mine')")

    result = run_suite(
        suite(tmp_path / "cases", "def test_good(): pass"), url="http://x.example", report_folder=tmp_path / "report"
    )

    assert result.ok


@pytest.mark.parametrize(
    ("cases", "limit", "said"),
    [
        pytest.param("x = 1", 30, "there are none", id="no cases"),
        pytest.param("import no_such_module", 30, "No module named 'no_such_module'", id="broken collection"),
        pytest.param("import os\ndef test_x(): os._exit(7)", 30, "ended with 7", id="died"),
        pytest.param("import time\ndef test_x(): time.sleep(60)", 1, "did not end within 1 s", id="hung"),
    ],
)
def test_no_verdict_is_no_pass(tmp_path: Path, cases: str, limit: float, said: str) -> None:
    folder = suite(tmp_path / "cases", cases)
    with pytest.raises(Failed) as failed:
        run_suite(folder, url="http://x.example", report_folder=tmp_path / "report", timeout_seconds=limit)

    assert said in failed.value.message


def test_a_report_of_an_earlier_attempt_is_no_verdict(tmp_path: Path) -> None:
    folder = suite(tmp_path / "cases", "def test_good(): pass")
    assert run_suite(folder, url="http://x.example", report_folder=tmp_path / "report").ok
    (folder / "test_shop.py").write_text("import os\nos._exit(0)\n")

    with pytest.raises(Failed):
        run_suite(folder, url="http://x.example", report_folder=tmp_path / "report")


@pytest.mark.skipif(not Path("/usr/bin/chromium-headless-shell").exists(), reason="`make up` installs it")
def test_a_failed_browser_case_leaves_screenshot_video_and_trace(tmp_path: Path) -> None:
    folder = suite(
        tmp_path / "e2e",
        """
        def test_good(page): page.set_content("<h1>fine</h1>")
        def test_bad(page):
            page.set_content("<h1>broken</h1>")
            assert page.locator("h1").inner_text() == "fine"
        """,
    )
    result = run_suite(folder, url="http://shop.example", report_folder=tmp_path / "report", workers=2)

    bad, good = sorted(result.cases, key=lambda case: case.outcome)
    assert bad.outcome == "failed", (tmp_path / "report/pytest.log").read_text()
    assert all(file and file.stat().st_size > 500 for file in (bad.screenshot, bad.video, bad.trace))
    assert (good.screenshot, good.video, good.trace) == (None, None, None)


def test_a_services_own_tests_pass_or_say_why_not(tmp_path: Path) -> None:
    log = tmp_path / "unit.log"
    run_unit_tests("web", [sys.executable, "-c", "print('fine')"], tmp_path, log=log)
    with pytest.raises(TestsFailed, match=r"could not pass the tests of 'web': .*two is not one"):
        run_unit_tests("web", [sys.executable, "-c", "raise SystemExit('two is not one')"], tmp_path, log=log)

    assert log.read_text() == "fine\ntwo is not one\n"


def report(*tests: dict[str, Any]) -> dict[str, Any]:
    return {"tests": list(tests)}


CALL_FAILED = {"duration": 1.5, "outcome": "failed", "crash": {"message": "assert 1 == 2"}}
FINE = {"duration": 0.25, "outcome": "passed"}


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        pytest.param({"outcome": "passed", "setup": FINE, "call": FINE}, Case("t", "passed", 0.5), id="passed"),
        pytest.param(
            {"outcome": "failed", "setup": FINE, "call": CALL_FAILED, "teardown": FINE},
            Case("t", "failed", 2.0, "assert 1 == 2"),
            id="failed",
        ),
        pytest.param(
            {"outcome": "error", "setup": {"duration": 0, "outcome": "failed", "longrepr": "no database"}},
            Case("t", "failed", 0.0, "no database"),
            id="setup failed",
        ),
        pytest.param({"outcome": "xpassed", "call": FINE}, Case("t", "passed", 0.25), id="passed unexpectedly"),
        pytest.param({"outcome": "a new word"}, Case("t", "failed", 0.0), id="what is not known is no pass"),
    ],
)
def test_a_case_is_read_from_the_report(test: dict[str, Any], expected: Case) -> None:
    assert cases_of(report({"nodeid": "t"} | test)) == (expected,)


def test_only_a_failed_case_can_become_flaky() -> None:
    first = [Case("a", "failed", 1, "why"), Case("b", "failed", 1), Case("c", "skipped", 0)]
    second = [Case("a", "passed", 1), Case("b", "failed", 1), Case("c", "passed", 1)]

    assert [case.outcome for case in after_second_try(first, second)] == ["flaky", "failed", "skipped"]
    assert after_second_try(first, second)[0].message == "why"


def test_nothing_that_ran_is_no_success() -> None:
    assert not SuiteResult((), 0).ok
    assert not SuiteResult((Case("a", "skipped", 0),), 0).ok
    assert SuiteResult((Case("a", "flaky", 0),), 0).ok
    assert SuiteResult((Case("a", "flaky", 0), Case("b", "passed", 0)), 3.4).summary() == "1 passed, 1 flaky in 3 s"
