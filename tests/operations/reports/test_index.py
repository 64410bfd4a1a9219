"""Index of the runs on the report server."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from azora.core.checks.result_entry import MOST_BYTES, ResultEntry, entry_of
from azora.core.checks.suite_result import Case, SuiteResult
from azora.operations.reports import index as module
from azora.operations.reports.index import index
from azora.operations.reports.publishing import keep_result

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def kept(root: Path, run: str, title: str, *, ok: bool = True, name: str = "swift-otter", age: int = 0) -> Path:
    case = Case("a", "passed" if ok else "failed", 3)
    files = {"html": root / run / "e2e host/report.html", "elsewhere": Path("/etc/passwd")}
    entry = entry_of(
        SuiteResult((case,), 3, files), title, run_name=name, application="shop", run_folder=str(root / run), at=AT
    )
    file = keep_result(entry, f"k-{title}", root / run)
    os.utime(root / run, (1_700_000_000 - age, 1_700_000_000 - age))
    return file


def test_run_with_results(tmp_path: Path) -> None:
    """A run has its name, each result with its reports, and the worst of them."""
    kept(tmp_path, "3f2a", "Smoke cases on staging")
    kept(tmp_path, "3f2a", "End-to-end cases on <staging>", ok=False)
    page = index(tmp_path, 1)
    assert '✗ failed</span><a href="./3f2a/">swift-otter</a>' in page
    assert "✓ passed</span> Smoke cases on staging: 1 passed in 3 s" in page
    assert (
        'End-to-end cases on &lt;staging&gt;: 1 failed in 3 s<a href="./3f2a/e2e%20host/report.html">html</a>' in page
    )
    assert "shop · 2026-03-01 12:00:00 UTC" in page
    assert "passwd" not in page


def test_page_of_evidence(tmp_path: Path) -> None:
    """A run links the newest page of evidence of each environment."""
    kept(tmp_path, "3f2a", "Smoke cases on staging")
    for age, name in enumerate(["production-1-10", "production-1-9", "b-1-1"]):
        file = tmp_path / f"3f2a/evidence-{name}.html"
        file.write_text("page")
        os.utime(file, (1_700_000_000 - age, 1_700_000_000 - age))
    page = index(tmp_path, 1)
    assert 'for production<a href="./3f2a/evidence-production-1-10.html">evidence</a>' in page
    assert 'for b<a href="./3f2a/evidence-b-1-1.html">evidence</a>' in page
    assert "production-1-9" not in page


def test_order_and_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest runs come first, and a page has a bounded number of them."""
    monkeypatch.setattr(module, "RUNS_ON_A_PAGE", 2)
    for age, run in enumerate("abcde"):
        kept(tmp_path, run, "Smoke", name=f"run {run}", age=age)
    shown = [[run for run in "abcde" if f">run {run}<" in index(tmp_path, number)] for number in (1, 2, 3, 4)]
    assert shown == [["a", "b"], ["c", "d"], ["e"], []]
    assert index(tmp_path, 1).index("run a") < index(tmp_path, 1).index("run b")
    assert 'href="?page=2">older' in index(tmp_path, 1)
    assert "newer" not in index(tmp_path, 1)
    assert "older" not in index(tmp_path, 3)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"{", id="half written"),
        pytest.param(b"[]", id="another shape"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b" " * MOST_BYTES + b"{}", id="too large"),
        pytest.param(b'{"run_name": "x", "application": "a", "title": "t", "ok": true}', id="incomplete"),
    ],
)
def test_file_that_is_no_result(tmp_path: Path, content: bytes) -> None:
    """A run without a readable result is listed by its folder's name."""
    (tmp_path / "3f2a").mkdir()
    (tmp_path / "3f2a/result-x.json").write_bytes(content)
    assert '<a href="./3f2a/">3f2a</a>' in index(tmp_path, 1)


@pytest.mark.parametrize("file", ["../other/report.html", "/etc/passwd", "a/../../b"])
def test_file_outside_of_the_run(tmp_path: Path, file: str) -> None:
    """A result links files of its own run only."""
    entry = ResultEntry(
        run_name="x", application="a", title="t", ok=True, summary="s", at=AT, files={"html": file, "log": "a/b.log"}
    )
    keep_result(entry, "k", tmp_path / "3f2a")
    assert index(tmp_path, 1).count("href=") == 2
    assert "./3f2a/a/b.log" in index(tmp_path, 1)


def test_results_that_are_links(tmp_path: Path) -> None:
    """No link is read: neither a run's folder nor a result in it."""
    file = kept(tmp_path / "elsewhere", "run", "Smoke", name="secret")
    (tmp_path / "runs/own").mkdir(parents=True)
    (tmp_path / "runs/own/result-k.json").symlink_to(file)
    (tmp_path / "runs/linked").symlink_to(file.parent)
    assert "secret" not in index(tmp_path / "runs", 1)


def test_index_without_runs(tmp_path: Path) -> None:
    """An empty folder has an index that says so."""
    assert "No reports yet." in index(tmp_path, 1)


def test_cases_of_a_result() -> None:
    """A result has its cases, failed and flaky ones first, at most 200, and fits into what the server reads."""
    cases = [Case("\U0001f600" * 300, "passed", 1)] * 250 + [Case("b", "flaky", 2), Case("c", "failed", 3)]
    entry = entry_of(
        SuiteResult(tuple(cases), 3), "t" * 500, run_name="r" * 500, application="shop", run_folder="/r", at=AT
    )
    assert [case.name for case in entry.cases[:2]] == ["c", "b"]
    assert (len(entry.cases), entry.more_cases) == (200, 52)
    assert len(entry.model_dump_json().encode()) < MOST_BYTES
