"""A freeze through Prefect: a run waits until it is over, whatever the answer is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from azora.config.settings import settings
from azora.core.record.entry import readable
from azora.errors import AzoraError
from azora.gateways.prefect.waiting_plan import waiting_plan
from azora.operations.freezing import freeze, unfreeze
from tests.support import pipeline
from tests.support.guestbook import Guestbook
from tests.support.polling import until

pytestmark = pytest.mark.slow  # three releases; what waits and what counts is tested on a real API server, too


@contextmanager
def frozen(environment: str) -> Iterator[None]:
    """A freeze for the block, lifted before its time."""
    here = pipeline.cluster(environment).namespace.environment
    end = datetime.now(UTC) + timedelta(hours=1)
    freeze(here, settings(), until=end, reason="the sale of the year", by="ada")
    try:
        yield
    finally:
        unfreeze(here, settings(), reason="the sale is over", by="grace")


def plan_of(run: str) -> str:
    """The plan that *run* waits with; empty while it does not wait."""
    try:
        return waiting_plan(run).text
    except AzoraError:
        return ""


def test_approval_in_a_freeze(served_book: Guestbook) -> None:  # noqa: ARG001 - production serves users
    """The answer does not count; after the freeze the same run promotes, and the record has all of it."""
    commit = pipeline.proved(pipeline.commit())
    before = pipeline.world("production").active
    run = pipeline.until_it_waits(pipeline.begin("release", ref=commit))
    with frozen("production"):
        pipeline.approve(run)
        until(lambda: "the sale of the year" in plan_of(run.id), seconds=60, what="the plan with the freeze")
        assert pipeline.world("production").active is before
    pipeline.approve(pipeline.until_it_waits(run))
    assert pipeline.until_over(run).went_well
    assert pipeline.cluster("production").running().commit == commit
    entries = readable(pipeline.cluster("production").log.lines())
    began = next(at for at, entry in enumerate(entries) if entry.run == run.id and entry.event.kind == "requested")
    kinds = [entry.event.kind for entry in entries[began:]]
    first, *_, last = (kinds.index(kind) for kind in ("freeze", "refused", "approved"))
    assert first < kinds.index("refused") < last


def test_release_without_approvals(served_book: Guestbook) -> None:  # noqa: ARG001 - staging serves users
    """A run without an approval ends, and names the end of the freeze and the person."""
    with frozen("staging"):
        over = pipeline.until_over(pipeline.begin("deploy-staging", ref=pipeline.commit()))
    assert not over.went_well
    assert "it is frozen until" in over.message
    assert "by ada: the sale of the year" in over.message


def test_rollback_in_a_freeze(served_book: Guestbook) -> None:  # noqa: ARG001 - production serves users
    """A rollback goes on."""
    pipeline.a_way_back()
    before = pipeline.world("production").active
    with frozen("production"):
        assert pipeline.until_over(pipeline.begin("rollback", environment="production")).went_well
    assert pipeline.world("production").active is not before
