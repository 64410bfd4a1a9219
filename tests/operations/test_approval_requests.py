"""Approval requests whose run is over leave the record; those that somebody can answer stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from logging import getLogger
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prefect.states import Running

from azora.config.settings import Settings
from azora.config.settings import settings as machine_settings
from azora.core.cluster.record import Question
from azora.core.record.entry import entry_of
from azora.core.record.events import Expired
from azora.errors import Unreachable
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.record_store import RecordStore
from azora.operations import approval_requests, pruning
from azora.operations.approval_requests import forget_stale, forget_stale_everywhere
from tasks import questions as hook
from tests.support.clusters import RememberedLog, Remembering, record_of

AT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


def cluster_with(record: RecordStore) -> Cluster:
    return cast(Cluster, SimpleNamespace(record=record, log=RememberedLog(), marks=lambda: ((), "")))


def left(record: RecordStore) -> list[str]:
    return sorted(key for key in record.read() if key.startswith("question."))


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> RecordStore:
    """Record of an environment with three requests; for Prefect, `cancelled` and `deleted` are over."""
    monkeypatch.setattr(approval_requests, "over", lambda ids: {"cancelled", "deleted"} & set(ids))
    record = record_of(Remembering())
    for run in ("cancelled", "deleted", "waits"):
        record.add_question(Question(run=run, release="r", plan="p", at=AT, until=AT + timedelta(hours=72)))
    return record


def test_stale_request(record: RecordStore) -> None:
    """A request is removed, and its end recorded, when its run was cancelled or deleted while it waited."""
    cluster = cluster_with(record)
    assert [one.run for one in forget_stale(cluster, Settings())] == ["cancelled", "deleted"]
    assert left(record) == ["question.waits"]
    closed = [entry for entry in map(entry_of, cluster.log.lines()) if isinstance(entry.event, Expired)]
    assert [(one.run, one.event.what) for one in closed] == [("cancelled", "request"), ("deleted", "request")]


def test_record_without_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record without requests costs no call of Prefect."""
    monkeypatch.setattr(approval_requests, "over", lambda _: pytest.fail("asked"))
    assert forget_stale(cluster_with(record_of(Remembering())), Settings()) == []


@pytest.mark.parametrize(
    ("dry_run", "stays"),
    [
        pytest.param(True, ["question.cancelled", "question.deleted", "question.waits"], id="dry run"),
        pytest.param(False, ["question.waits"], id="for good"),
    ],
)
def test_stale_request_in_a_pruning(
    record: RecordStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dry_run: bool, stays: list[str]
) -> None:
    """Pruning removes stale requests at any age; an unreachable cluster delays no other."""
    monkeypatch.setattr(pruning, "connect", _one_is_away(record))
    part = pruning._questions(Settings(state=tmp_path), dry_run=dry_run)
    assert [(decision.item.name, decision.goes) for decision in part.gone] == [
        ("staging/cancelled", True),
        ("staging/deleted", True),
    ]
    assert "could not reach production" in part.trouble
    assert left(record) == stays


def test_stale_requests_of_all_environments(record: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at all environments removes stale requests, and reports what failed."""
    monkeypatch.setattr(approval_requests, "connect", _one_is_away(record))
    (trouble,) = forget_stale_everywhere(Settings())
    assert trouble.startswith("could not remove the stale approval requests of production: could not reach production")
    assert left(record) == ["question.waits"]


def test_run_with_unreadable_settings(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A run begins although the clean-up fails: its first step reports the settings."""
    monkeypatch.setenv("AZORA_SETTINGS", "/nowhere")
    monkeypatch.setattr(hook, "flow_run_logger", lambda *_: getLogger("run"))
    machine_settings.cache_clear()
    hook.forget_stale_questions(None, None, Running())  # type: ignore[arg-type]
    machine_settings.cache_clear()
    assert "could not read the settings file" in caplog.text


def _one_is_away(record: RecordStore) -> Callable[..., Any]:
    def connect(environment: object, _settings: object) -> Any:
        if getattr(environment, "name", "") == "production":
            raise Unreachable("could not reach production")
        return cluster_with(record)

    return connect
