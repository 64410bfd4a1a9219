"""A night leaves its page, and does not suffer from what the page needs."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from azora.config.settings import Settings
from azora.core.messages.nightly import Figures
from azora.core.promotion.plan import Change
from azora.errors import Unreachable
from tasks import nightly_page
from tests.support.nights import NIGHTS
from tests.support.worlds import WATCHED


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Results that the hook left: labels, a page, and the two commits between which it looked."""
    seen: dict[str, Any] = {"labels": []}
    here = Settings(state=tmp_path, reports_url="http://reports", reports_auth_string=SecretStr(""))

    def changes(*given: Any) -> tuple[Change, ...]:
        seen["commits"] = given[:2]
        return (Change("f1f1f1f", "ada", "Fix the cart"),)

    monkeypatch.setattr(nightly_page, "settings", lambda: here)
    monkeypatch.setattr(nightly_page, "cluster_of", lambda _: SimpleNamespace(look=lambda: WATCHED))
    monkeypatch.setattr(nightly_page, "label", lambda run, labels: seen["labels"].append((run, labels)))
    monkeypatch.setattr(nightly_page, "nights_in_numbers", lambda _, **__: NIGHTS)
    monkeypatch.setattr(nightly_page, "changes_between", changes)
    monkeypatch.setattr(nightly_page, "leave_page", lambda run, key, text, _: seen.update(page=(run, key, text)))
    return seen


def hook(run: str = "run") -> None:
    nightly_page.the_nights_page(flow=None, flow_run=SimpleNamespace(id=run), state=None)  # type: ignore[arg-type]


def test_nightly_page(left: dict[str, Any], tmp_path: Path) -> None:
    """A nightly run leaves a plot, a page and labels."""
    hook()
    run, key, text = left["page"]
    assert (run, key) == ("run", "nightly-runs")
    assert "![Stage times and switches of the last nightly runs](http://reports/run/nights.svg)" in text
    assert "Fix the cart" in text
    assert (tmp_path / "runs/run/nights.svg").is_file()
    assert left["commits"] == ("b", "c"), "from the night before to this one"
    assert left["labels"][0][0] == "run"


def test_nightly_page_of_the_first_run(left: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of the first nightly run has no commits to compare."""
    monkeypatch.setattr(nightly_page, "nights_in_numbers", lambda _, **__: NIGHTS[:1])
    hook()
    assert "Unknown" in left["page"][2]


def test_nightly_page_that_fails(
    left: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A page that cannot be made is a line in the log, and no error of the run."""

    def away(*_: str, **__: str) -> list[Figures]:
        raise Unreachable("could not reach Prefect")

    monkeypatch.setattr(nightly_page, "nights_in_numbers", away)
    monkeypatch.setattr(nightly_page, "flow_run_logger", lambda *_: logging.getLogger("a run"))
    hook()
    assert "page" not in left
    assert "could not reach Prefect" in caplog.text
