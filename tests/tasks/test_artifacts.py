"""A run's page of a suite: which case failed, what it saw, and which cannot be trusted."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from azora.config.settings import Settings, settings
from azora.core.auth import signature
from azora.core.checks.suite_result import Case, SuiteResult
from azora.core.retention import Decision, Item
from azora.operations.pruning import Part
from tasks import artifacts


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []
    monkeypatch.setattr(artifacts, "create_markdown_artifact", lambda text, **_: texts.append(text))
    return texts


def test_failed_case(shown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The page shows the failed case with its message and screenshot."""
    monkeypatch.setattr(
        artifacts, "settings", lambda: Settings(state=Path("/state"), reports_auth_string=SecretStr(""))
    )
    picture = Path("/state/runs") / "a run/e2e host/pictures/gw0/test-pay/test-failed-1.png"
    artifacts.suite("k", "Cases", SuiteResult((Case("test_pay", "failed", 1, "no receipt", screenshot=picture),), 1))

    address = f"{settings().reports_url}/a%20run/e2e%20host/pictures/gw0/test-pay/test-failed-1.png"
    assert f"![Screenshot of `test_pay` at its failure]({address})" in shown[0]
    assert "no receipt" in shown[0]


def test_links_of_a_failed_case(shown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each link is signed for its one file and has no password in it."""
    here = Settings(state=Path("/state"), reports_url="http://r", reports_auth_string=SecretStr("azora:f-9_x"))
    monkeypatch.setattr(artifacts, "settings", lambda: here)
    seen, trace = (Path("/state/runs/a run/e2e", name) for name in ("seen.png", "trace.zip"))
    artifacts.suite("k", "Cases", SuiteResult((Case("test_pay", "failed", 1, "no", screenshot=seen, trace=trace),), 1))

    signed = signature("azora:f-9_x", "/a run/e2e/seen.png")
    assert f"![Screenshot of `test_pay` at its failure](http://r/a%20run/e2e/seen.png?signature={signed})" in shown[0]
    traced = quote(f"http://r/a%20run/e2e/trace.zip?signature={signature('azora:f-9_x', '/a run/e2e/trace.zip')}")
    assert f"[trace](http://r/trace-viewer/?trace={traced})" in shown[0]
    assert "f-9_x" not in shown[0]


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


def test_failed_case_without_a_screenshot(shown: list[str]) -> None:
    """A case without a screenshot has no picture."""
    artifacts.suite("k", "Cases", SuiteResult((Case("test_health", "failed", 1, "no"),), 1))

    assert "![" not in shown[0]
