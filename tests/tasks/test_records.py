"""The nightly run fails where a record was changed, and where none was it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prefect.logging import disable_run_logger

from azora.config.settings import Settings
from azora.core.cluster.record import Receipt
from azora.errors import CheckFailed, Unreachable
from azora.operations.record import writing
from tasks import records
from tests.support.clusters import Remembered
from tests.support.worlds import SERVING_OLD


@pytest.fixture
def staging(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Remembered:
    """Record of staging, with a receipt; production is away."""
    found = Remembered(SERVING_OLD)

    def cluster_of(name: str) -> Any:
        if name == "production":
            raise Unreachable("could not reach it")
        return found

    monkeypatch.setattr(records, "settings", lambda: Settings(state=tmp_path))
    monkeypatch.setattr(records, "cluster_of", cluster_of)
    writing.receipt(found, Receipt(number=1, verdict="good"), run="run")
    return found


def test_records_that_hold(staging: Remembered, tmp_path: Path) -> None:
    """Each record is exported; a cluster that is away is a warning."""
    with disable_run_logger():
        records.verify_records.fn()
    (file,) = (tmp_path / "records").rglob("*.jsonl")
    assert file.parent.name == "staging"
    assert len(file.read_text().splitlines()) == 1 + len(staging.log.lines())


def test_changed_record(staging: Remembered) -> None:
    """A changed record fails the run, with the first broken link."""
    staging.log.written[0] = staging.log.written[0].replace('"switch":1', '"switch":9')
    with (
        disable_run_logger(),
        pytest.raises(CheckFailed, match="could not verify the record of staging: entry 2 does not continue"),
    ):
        records.verify_records.fn()
