"""Retention on a report server to which workers upload."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from azora.config.settings import Settings
from azora.errors import Failed
from azora.operations.reports import retention
from azora.operations.reports.retention import remove_old_reports

DAY_SECONDS = 86_400


def test_reports_that_are_old(tmp_path: Path) -> None:
    """The server removes reports above the number or the age that are kept, and none that is young."""
    for run, age in {"new": 0, "second": 2, "third": 3, "old": 40}.items():
        folder = tmp_path / "runs" / run
        folder.mkdir(parents=True)
        (folder / "log").write_text("text")
        for place in (folder / "log", folder):
            os.utime(place, (time.time() - age * DAY_SECONDS,) * 2)
    here = Settings(state=tmp_path, keep_reports=2, keep_reports_days=30, keep_at_least_hours=24)
    assert sorted(remove_old_reports(here)) == ["old", "third"]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["new", "second"]
    assert remove_old_reports(here.model_copy(update={"keep_reports": 1, "keep_at_least_hours": 72})) == []


def test_report_that_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot be removed keeps no other, and does not end the server's removals."""
    for run in ("stays", "goes"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        os.utime(tmp_path / "runs" / run, (time.time() - 40 * DAY_SECONDS,) * 2)
    (tmp_path / "runs/new").mkdir()
    remove = retention.remove

    def unless_it_stays(folder: Path) -> bool:
        if folder.name == "stays":
            raise Failed("could not remove it")
        return remove(folder)

    monkeypatch.setattr(retention, "remove", unless_it_stays)
    assert remove_old_reports(Settings(state=tmp_path, keep_reports=1, keep_reports_days=30)) == ["goes"]
