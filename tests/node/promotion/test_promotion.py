"""A context without Prefect, broken between its steps on purpose: the next look goes on, and users are never at risk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from azora.config.environment import load_environment
from azora.config.settings import settings
from azora.core.cluster.record import StackRecord
from azora.core.promotion.next_step import Step
from azora.core.release.migrations import Migration
from azora.errors import Conflict, Refused
from azora.gateways.kubernetes import lease
from azora.gateways.kubernetes.lease import held
from azora.operations.checkout import checkout
from azora.operations.promotion import preview
from azora.operations.promotion.context import Context
from azora.operations.promotion.factory import context_of
from azora.operations.promotion.observer import SILENT
from azora.operations.rollback import roll_back, switch_users
from tests.support import pipeline
from tests.support.step_by_step import walk

pytestmark = pytest.mark.usefixtures("released")

VALUES = "deployments/values/azora/staging.yaml"


@pytest.fixture
def context() -> Iterator[Context]:
    """A release of a configuration-only change, on its way to staging."""
    before = pipeline.git("rev-parse", "HEAD")
    sha = pipeline.commit({VALUES: f"{pipeline.content(VALUES)}\n# {uuid4()}\n"}, "Change a value")
    found = checkout(sha, settings())
    images = found.built_images(settings())
    assert images is not None
    staging = load_environment("staging", settings().environments)
    yield context_of(staging, found.release("Change a value", images), run=f"test-{uuid4()}", settings=settings())
    pipeline.undo_to(before)


def test_what_a_kill_between_the_steps_leaves_is_gone_over_once_more(context: Context) -> None:
    """Helm ended but nothing was recorded; the preview Service was left on the active color; the switch was not watched."""
    old = context.cluster.look()
    assert walk(context, until=Step.PROVE) == [Step.INSTALL_PREVIEW]
    context.cluster.record.set_stack(old.preview, StackRecord(release="an older one", revision=1))
    context.cluster.point_preview_at(old.stack(old.preview.other))
    assert walk(context, until=Step.WATCH) == [Step.PROVE, Step.SWITCH]
    assert walk(context) == [Step.WATCH, Step.RECORD_IN_HELM]
    now = context.cluster.look()
    assert now.active is old.preview
    assert len(now.switches) == len(old.switches) + 1
    assert now.preview_points_at is old.active


def test_a_helm_killed_in_the_middle_is_repaired_without_moving_traffic(context: Context) -> None:
    old = context.cluster.look()
    killer = threading.Thread(target=pipeline.kill_helm, args=(context.cluster.namespace.stack_name(old.preview),))
    killer.start()
    with pytest.raises(Exception, match="could not"), held(context.cluster.namespace, context.delivery.run):
        preview.install_preview(context, SILENT)
    killer.join()
    broken = context.cluster.look()
    assert broken.pending == (context.cluster.namespace.stack_name(old.preview),)
    assert broken.active is old.active
    assert walk(context)[:2] == [Step.REPAIR, Step.INSTALL_PREVIEW]
    assert context.cluster.look().active is old.preview


def test_of_two_promotions_one_is_refused_and_told_why(context: Context) -> None:
    with (
        held(context.cluster.namespace, "another run"),
        pytest.raises(Refused, match="another run holds the Lease"),
        held(context.cluster.namespace, context.delivery.run),
    ):
        pass


def test_what_a_killed_promotion_holds_is_waited_for(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts a run again right after it was killed need not know of Leases."""
    monkeypatch.setattr(lease, "DURATION", timedelta(seconds=3))
    lease.Lease(context.cluster.namespace, "a killed run").take()
    with held(context.cluster.namespace, context.delivery.run) as ours:
        ours.check()


def test_a_switch_from_an_old_look_is_refused(context: Context) -> None:
    world = context.cluster.look()
    assert world.last_switch
    here = context.cluster.namespace
    here.api.patch(
        f"{here.core}/services/{here.live_service}",
        {"metadata": {"labels": {"touched": uuid4().hex}}},
    )
    with pytest.raises(Conflict):
        context.cluster.switch(world, world.last_switch)
    assert context.cluster.look().active is world.active


def test_nobody_goes_back_past_a_contract(context: Context) -> None:
    """Neither by a switch nor by a rollback, though the old color is up, ready and proved."""
    own = context.delivery.release.migrations
    drop = Migration(revision="drop", phase="contract", contracts=own[-1].revision)
    release = context.delivery.release.model_copy(update={"migrations": (*own, drop)})
    old = context.cluster.look()
    assert old.active
    walk(replace(context, delivery=replace(context.delivery, release=release)))
    new = context.cluster.look().stack(old.preview)
    assert new.record
    try:
        with pytest.raises(Refused, match="made without migration drop, a contract that ran since"):
            switch_users(context.delivery.environment, old.active, settings(), by="test")
        with pytest.raises(Refused, match="made without migration drop, a contract that the database holds"):
            roll_back(context.delivery.environment, None, settings(), by="test")
        assert context.cluster.look().active is old.preview
    finally:  # the database holds no such contract: the next test may go on
        context.cluster.record.set_stack(old.preview, new.record.model_copy(update={"migrations": own}))
