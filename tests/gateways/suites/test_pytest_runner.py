"""A suite is run as it stands, by itself, and its verdict is never guessed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from azora.errors import Failed, TestsFailed
from azora.gateways.suites.pytest_runner import run_suite, run_unit_tests
from tests.support.suites import outcomes, suite


def test_case_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each case has its outcome and message; the suite gets its options and no other setting."""
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


def test_suite_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret comes in a variable, and is in no report."""
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


EVERY_END = """
import os, pytest
def test_passes(): pass
def test_fails(): assert 1 == 2, "one is not two"
def test_skips(): pytest.skip("no card reader")
@pytest.mark.xfail(reason="known")
def test_known(): assert False
@pytest.mark.xfail(strict=True, reason="known")
def test_known_and_passes(): pass
@pytest.fixture
def no_start(): raise RuntimeError("no database")
def test_no_start(no_start): pass
@pytest.fixture
def no_end():
    yield
    raise RuntimeError("left open")
def test_no_end(no_end): pass
def test_fails_twice(no_end): assert False, "first"
class TestShop:
    @pytest.mark.parametrize("word", ["a::b", "[x]", "<&\\"'>", "\\x1b", "line\\nline", "über", "a/b.py::test_c"])
    def test_word(self, word): assert word != "[x]"
"""
ENDS = {
    "test_passes": "passed",
    "test_fails": "failed",
    "test_skips": "skipped",
    "test_known": "skipped",
    "test_known_and_passes": "failed",
    "test_no_start": "failed",
    "test_no_end": "failed",
    "test_fails_twice": "failed",
}


@pytest.mark.parametrize("workers", [1, 2])
def test_case_names(tmp_path: Path, workers: int) -> None:
    """Each case has pytest's node id as name, with and without workers."""
    folder = suite(tmp_path / "e2e", EVERY_END)
    (folder / "checkout").mkdir()
    (folder / "checkout/__init__.py").touch()
    (folder / "checkout/test_shop.py").write_text("def test_pays(): pass")  # the same name in a folder
    (folder / "test_old.py").write_text("import pytest\npytest.skip('not here', allow_module_level=True)")
    result = run_suite(folder, url="http://shop.example", report_folder=tmp_path / "report", workers=workers)

    found = {case.name: case.outcome for case in result.cases}
    assert found == collected(folder) | {f"test_shop.py::{name}": end for name, end in ENDS.items()} | {
        "test_shop.py::TestShop::test_word[[x]]": "failed"
    }
    messages = {case.name.split("::")[1]: case.message for case in result.cases}
    assert messages["test_fails"].startswith("AssertionError: one is not two")
    assert messages["test_skips"] == "no card reader"
    assert messages["test_known"] == "known"
    assert "no database" in messages["test_no_start"]
    assert "left open" in messages["test_no_end"]
    assert "first" in messages["test_fails_twice"]


def collected(folder: Path) -> dict[str, str]:
    """Every case by the name that pytest itself has for it, as passed."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", f"--rootdir={folder}", "-c", "/dev/null"]
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=True, cwd=folder)
    return dict.fromkeys((line for line in done.stdout.splitlines() if "::" in line), "passed")


def test_case_that_kills_its_worker(tmp_path: Path) -> None:
    """The case fails by its name, and the others go on."""
    cases = """
        import os
        def test_good(): pass
        class TestPay:
            def test_dies(self): os._exit(7)
        """
    folder = suite(tmp_path / "e2e", cases)
    result = run_suite(folder, url="http://shop.example", report_folder=tmp_path / "report", workers=2)

    assert {case.name: case.outcome for case in result.cases} == {
        "test_shop.py::test_good": "passed",
        "test_shop.py::TestPay::test_dies": "failed",
    }
    (died,) = result.failures()
    assert "crashed while running 'test_shop.py::TestPay::test_dies'" in died.message
    assert "TestPay::test_dies" in result.files["html"].read_text()


def test_report_as_json(tmp_path: Path) -> None:
    """report.json has the verdict and each case, second try included."""
    folder = suite(tmp_path / "e2e", SOMETIMES.format(mark=tmp_path / "mark"))
    result = run_suite(folder, url="http://shop.example", report_folder=tmp_path / "report", second_try=True)

    said = json.loads(result.files["json"].read_text())
    assert (said["ok"], said["summary"], said["seconds"]) == (False, result.summary(), result.seconds)
    assert [(case["name"], case["outcome"]) for case in said["cases"]] == [
        ("test_shop.py::test_good", "passed"),
        ("test_shop.py::test_bad", "failed"),
        ("test_shop.py::test_sometimes", "flaky"),
    ]
    assert said["cases"][0].keys() == {"name", "outcome", "seconds", "message"}


SOMETIMES = """
import pathlib
def test_good(): pass
def test_bad(): assert False
def test_sometimes():
    mark = pathlib.Path("{mark}")
    if not mark.exists():
        mark.touch()
        assert False, "once"
"""


def test_case_that_is_flaky(tmp_path: Path) -> None:
    """A case that passes at the second try is flaky."""
    folder = suite(
        tmp_path / "e2e",
        SOMETIMES.format(mark=tmp_path / "mark"),
    )
    result = run_suite(folder, url="http://shop.example", report_folder=tmp_path / "report", workers=2, second_try=True)

    assert outcomes(result) == {"test_good": "passed", "test_bad": "failed", "test_sometimes": "flaky"}
    assert "once" in next(case.message for case in result.cases if case.outcome == "flaky")


def test_suite_configuration(tmp_path: Path) -> None:
    """Files above the suite do not configure it."""
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--no-such-option'\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('not mine')")

    result = run_suite(
        suite(tmp_path / "cases", "def test_good(): pass"), url="http://x.example", report_folder=tmp_path / "report"
    )

    assert result.ok


LIES_AT_THE_END = """
def test_x(request): request.config.pluginmanager.register(End())
class End:
    def pytest_sessionfinish(self, session): session.exitstatus = 1
"""


@pytest.mark.parametrize(
    ("cases", "limit", "said"),
    [
        pytest.param("x = 1", 30, "the suite has no cases", id="no cases"),
        pytest.param("import no_such_module", 30, "No module named 'no_such_module'", id="broken collection"),
        pytest.param("import os\ndef test_x(): os._exit(7)", 30, "exited with 7", id="died"),
        pytest.param(
            LIES_AT_THE_END, 30, "no case failed, but pytest exited with 1", id="nothing failed, and yet it did"
        ),
        pytest.param("import time\ndef test_x(): time.sleep(60)", 1, "did not end within 1 s", id="hung"),
    ],
)
def test_suite_without_a_verdict(tmp_path: Path, cases: str, limit: float, said: str) -> None:
    """A suite without a verdict has not passed."""
    folder = suite(tmp_path / "cases", cases)
    with pytest.raises(Failed) as failed:
        run_suite(folder, url="http://x.example", report_folder=tmp_path / "report", timeout_seconds=limit)

    assert said in failed.value.message


IN_THE_WAY = """
import atexit, os, pathlib
def test_x(request):
    report = pathlib.Path(request.config.getoption("--junitxml")).parent
    {}
"""


@pytest.mark.parametrize(
    ("done", "said"),
    [
        pytest.param(
            "atexit.register(lambda: os.truncate(report / 'junit.xml', 1 << 40))", "more than 50 MB", id="endless"
        ),
        pytest.param(
            "atexit.register(lambda: ((report / 'junit.xml').unlink(), (report / 'junit.xml').mkdir()))",
            "it is not a file",
            id="a folder",
        ),
        pytest.param(
            "atexit.register(lambda: ((report / 'junit.xml').unlink(), os.mkfifo(report / 'junit.xml')))",
            "it is not a file",
            id="a pipe",
        ),
    ],
)
def test_suite_with_odd_results(tmp_path: Path, done: str, said: str) -> None:
    """A case that leaves something else in place of its results fails the suite, with the file's name."""
    folder = suite(tmp_path / "cases", IN_THE_WAY.format(done))
    with pytest.raises(Failed) as failed:
        run_suite(folder, url="http://x.example", report_folder=tmp_path / "report")
    assert said in failed.value.message
    assert "junit.xml" in failed.value.message


def test_suite_that_is_in_the_way(tmp_path: Path) -> None:
    """The verdict stands where a case puts folders in place of the pipeline's own files."""
    folder = suite(
        tmp_path / "cases",
        IN_THE_WAY.format(
            "(report / 'report.json').mkdir(exist_ok=True); os.makedirs(report / 'second-try/junit.xml', exist_ok=True); assert 0"
        ),
    )
    result = run_suite(folder, url="http://x.example", report_folder=tmp_path / "report", second_try=True)
    assert result.summary().startswith("1 failed")
    assert json.loads((tmp_path / "report/report.json").read_text())


@pytest.mark.parametrize("workers", [1, 2])
def test_suite_with_a_broken_file(tmp_path: Path, workers: int) -> None:
    """A file that cannot be collected fails the suite, even one that continues without it."""
    folder = suite(tmp_path / "cases", "def test_good(): pass")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --continue-on-collection-errors\n")
    (folder / "test_gone.py").write_text("import no_such_module")
    with pytest.raises(Failed, match=r"(?s)'test_gone' is no case: .*No module named 'no_such_module'"):
        run_suite(folder, url="http://x.example", report_folder=tmp_path / "report", workers=workers)


def test_suite_with_an_old_report(tmp_path: Path) -> None:
    """The report of an earlier attempt is no verdict."""
    folder = suite(tmp_path / "cases", "def test_good(): pass")
    assert run_suite(folder, url="http://x.example", report_folder=tmp_path / "report").ok
    (folder / "test_shop.py").write_text("import os\nos._exit(0)\n")

    with pytest.raises(Failed):
        run_suite(folder, url="http://x.example", report_folder=tmp_path / "report")


@pytest.mark.skipif(not Path("/usr/bin/chromium-headless-shell").exists(), reason="`make up` installs it")
def test_browser_case_that_fails(tmp_path: Path) -> None:
    """A failed browser case leaves screenshot, video and trace."""
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
    (told,) = [case for case in json.loads(result.files["json"].read_text())["cases"] if case["outcome"] == "failed"]
    assert {kind: tmp_path / "report" / told[kind] for kind in ("screenshot", "video", "trace")} == bad.pictures


def test_unit_tests_of_a_service(tmp_path: Path) -> None:
    """A service's tests pass, or the error has their last line."""
    log = tmp_path / "unit.log"
    run_unit_tests("web", [sys.executable, "-c", "print('fine')"], tmp_path, log=log)
    with pytest.raises(TestsFailed, match=r"could not pass the tests of 'web': .*two is not one"):
        run_unit_tests("web", [sys.executable, "-c", "raise SystemExit('two is not one')"], tmp_path, log=log)

    assert log.read_text() == "fine\ntwo is not one\n"
