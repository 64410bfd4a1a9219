"""The nightly run fails where a record was changed, and where none was it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.logging import disable_run_logger

from azora.config.settings import Settings
from azora.core.cluster.freeze import Act, Acts
from azora.core.cluster.overrides import Override
from azora.core.cluster.record import Receipt
from azora.core.record.entry import entry_of
from azora.errors import CheckFailed, Unreachable
from azora.operations.record import writing
from tasks import notifications, records
from tests.support.clusters import Remembered
from tests.support.worlds import NOW, SERVING_OLD


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


def test_acts_of_people(staging: Remembered, monkeypatch: pytest.MonkeyPatch) -> None:
    """A freeze and an override are recorded in their person's name and notified, once."""
    told: list[str] = []
    monkeypatch.setattr(notifications, "_tell", lambda notice, _: told.append(notice.title))
    monkeypatch.setattr(records, "this_run", lambda: "run")
    freeze = Act(kind="freeze", at=NOW, until=NOW + timedelta(hours=1), reason="the sale", by="oidc:ada")
    override = Override("Service shop", "oidc:olga", "the approvers are asleep", "2" * 40)
    staging.world = replace(SERVING_OLD, freezes=Acts((freeze,)), overrides=(override,))
    with disable_run_logger():
        records.record_acts(staging)
        records.record_acts(staging)
    entries = [entry_of(line) for line in staging.log.lines()][-2:]
    assert [(entry.event.kind, entry.who, entry.why) for entry in entries] == [
        ("freeze", "oidc:ada", "the sale"),
        ("override", "oidc:olga", "the approvers are asleep"),
    ]
    assert told == [
        "staging is frozen until 2026-11-24 13:00 UTC",
        "the gate of staging was overridden: Service shop",
    ]
