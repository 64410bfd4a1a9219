"""A run's page of a suite: which case failed, what it saw, and which cannot be trusted."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, quote

import pytest
from pydantic import SecretStr

from azora.config.settings import Settings
from azora.core.checks.result_entry import ResultEntry
from azora.core.checks.suite_result import Case, SuiteResult
from azora.core.retention import Decision, Item
from azora.core.signed_links import is_signed
from azora.operations.pruning import Part
from tasks import artifacts
from tests.support.reports import KEY, free_port


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    texts: list[str] = []
    monkeypatch.setattr(artifacts, "settings", lambda: Settings(state=tmp_path))
    monkeypatch.setattr(artifacts, "create_markdown_artifact", lambda text, **_: texts.append(text))
    return texts


def test_failed_case(shown: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page shows the failed case with its message and screenshot."""
    monkeypatch.setattr(
        artifacts, "settings", lambda: Settings(state=tmp_path, reports_url="http://r", reports_key=SecretStr(""))
    )
    picture = tmp_path / "runs/a run/e2e host/pictures/gw0/test-pay/test-failed-1.png"
    artifacts.suite("k", "Cases", SuiteResult((Case("test_pay", "failed", 1, "no receipt", screenshot=picture),), 1))

    address = "http://r/a%20run/e2e%20host/pictures/gw0/test-pay/test-failed-1.png"
    assert f"![Screenshot of `test_pay` at its failure]({address})" in shown[0]
    assert "no receipt" in shown[0]


def test_links_of_a_failed_case(shown: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each link is signed for its one file and has no password in it."""
    here = Settings(
        state=tmp_path,
        reports_url="http://r",
        reports_viewer_url="http://v",
        reports_key=SecretStr(KEY),
        reports_link_days=2,
    )
    monkeypatch.setattr(artifacts, "settings", lambda: here)
    seen, trace = (Path(tmp_path, "runs/a run/e2e", name) for name in ("seen.png", "trace.zip"))
    artifacts.suite("k", "Cases", SuiteResult((Case("test_pay", "failed", 1, "no", screenshot=seen, trace=trace),), 1))

    links = dict(re.findall(r"\[([^]]*)\]\((http[^)]*)\)", shown[0]))
    signed = {name: address.partition("?") for name, address in links.items()}
    picture, _, query = signed["Screenshot of `test_pay` at its failure"]
    assert picture == "http://r/a%20run/e2e/seen.png"
    assert is_signed(KEY, "/a run/e2e/seen.png", dict(parse_qsl(query)), now=datetime.now(UTC) + timedelta(days=1.9))
    assert not is_signed(KEY, "/a run/e2e/seen.png", dict(parse_qsl(query)), now=datetime.now(UTC) + timedelta(days=2))
    assert links["trace"] == f"http://v/?trace={quote(links['trace.zip'], safe='')}"
    assert KEY not in shown[0]


def test_trace_without_a_viewer(shown: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the address of a viewer, a trace is a file to download."""
    monkeypatch.setattr(artifacts, "settings", lambda: Settings(state=tmp_path, reports_url="http://r"))
    trace = tmp_path / "runs/a run/e2e/trace.zip"
    artifacts.suite("k", "Cases", SuiteResult((Case("test_pay", "failed", 1, "no", trace=trace),), 1))
    assert "[trace.zip](" in shown[0]
    assert "[trace](" not in shown[0]


def test_flaky_case(shown: list[str]) -> None:
    """The page names a flaky case with its history, and no passed one."""
    case = Case("test_pay", "flaky", 1, "too slow", before=("passed", "flaky", "passed"))
    artifacts.suite("k", "Cases", SuiteResult((case, Case("test_login", "passed", 1)), 1))

    assert "**≈ `test_pay`**" in shown[0]
    assert "flaky: passed at the second try; flaky in 2 of the last 4 runs" in shown[0]
    assert "**✓ `test_login`**" not in shown[0]


def test_pruning_with_an_error(shown: list[str]) -> None:
    """The error of a pruning is a warning above the table."""
    gone = (Decision(Item("one", None, 3200), True, "older than 30 days"),)
    artifacts.pruned([Part("reports", gone), Part("images", trouble="could not reach it")])

    assert "| reports | 1 | 3.2 kB | 0 |" in shown[0]
    assert shown[0].index("**⚠ images**: `could not reach it`") < shown[0].index("| kind |")


def test_result_for_the_index(shown: list[str], tmp_path: Path) -> None:
    """The pipeline writes the result beside the reports, with its summary and the report's place."""
    report = tmp_path / "runs/local/e2e shop/report.html"
    artifacts.suite("staging-e2e", "Cases on staging", SuiteResult((Case("a", "failed", 1),), 1, {"html": report}))
    entry = ResultEntry.model_validate_json((tmp_path / "runs/local/result-staging-e2e.json").read_bytes())
    assert (entry.title, entry.ok, entry.summary) == ("Cases on staging", False, "1 failed in 1 s")
    assert entry.files == {"html": "e2e shop/report.html"}
    assert len(shown) == 1


def test_report_server_that_is_away(shown: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has no link that leads nowhere, and says why and where the reports are."""
    here = Settings(state=tmp_path, reports_url=f"http://127.0.0.1:{free_port()}", reports_upload=True)
    monkeypatch.setattr(artifacts, "settings", lambda: here)
    folder = tmp_path / "runs/local/e2e shop"
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("report")
    case = Case("test_pay", "failed", 1, "no", screenshot=folder / "seen.png", trace=folder / "trace.zip")
    artifacts.suite("k", "Cases", SuiteResult((case,), 1, {"html": folder / "report.html"}))
    artifacts.unit_tests({"store": str(tmp_path / "runs/local/test store.log")})
    assert "](http" not in "".join(shown)
    assert f"They are on the worker, in `{tmp_path}/runs/local`" in shown[0]
    assert "refused" in shown[0]
    assert "log on the worker" in shown[1]


def test_disk_that_is_full(shown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that cannot be written costs its line of the index, and no run."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(artifacts, "keep_result", full)
    artifacts.suite("k", "Cases", SuiteResult((Case("a", "passed", 1),), 1))
    assert len(shown) == 1


def test_failed_case_without_a_screenshot(shown: list[str]) -> None:
    """A case without a screenshot has no picture."""
    artifacts.suite("k", "Cases", SuiteResult((Case("test_health", "failed", 1, "no"),), 1))

    assert "![" not in shown[0]
