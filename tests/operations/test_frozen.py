"""A frozen environment: what is refused there, and what goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from unittest.mock import Mock

import pytest

from azora.core.cluster.freeze import UNKNOWN, Act, Acts
from azora.core.cluster.overrides import Override
from azora.core.cluster.record import Receipt
from azora.core.cluster.state import World
from azora.errors import Refused
from azora.operations import freezing, rollback
from azora.operations.promotion import switch
from azora.operations.promotion.context import Context
from tests.support.clusters import STAGING, Remembered, context_for
from tests.support.gated import configuration
from tests.support.releases import BASE
from tests.support.worlds import BLUE, GREEN, NOW, PROVED, SERVING_OLD, stack, switched

FREEZE = Act(kind="freeze", at=NOW, until=NOW + timedelta(days=365_000), reason="the sale", by="oidc:ada")
ONLY = Act(kind="exception", at=NOW, reason="a fix", subject=BASE.id[:12], by="oidc:olga")
FROZEN = r"could not promote release .* in staging: it is frozen until .* by oidc:ada: the sale"
READY = replace(PROVED, stacks={BLUE: stack(BLUE, "old"), GREEN: stack(GREEN, BASE.id)})


class Quiet:
    """A probe that counts nothing."""

    def start(self) -> None: ...


def frozen(world: World, *more: Act) -> World:
    return replace(world, freezes=Acts((FREEZE, *more)))


def held(monkeypatch: pytest.MonkeyPatch, world: World) -> tuple[Remembered, Context]:
    """A run that holds the Lease of staging, which asks for no approval."""
    monkeypatch.setattr(Context, "hold", lambda _: None)
    monkeypatch.setattr(Context, "wanted", _Plain())
    cluster = Remembered(world)
    return cluster, context_for(cluster)


class _Plain:
    approval_needed = False


def test_switch_of_a_frozen_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right before the patch the freeze is looked at once more."""
    cluster, context = held(monkeypatch, frozen(READY))
    with pytest.raises(Refused, match=FROZEN) as refused:
        switch.switch(context, cast(Any, Quiet()))
    assert "azora unfreeze staging --only" in refused.value.advice
    assert cluster.moved == []


def test_manual_switch_of_a_frozen_environment() -> None:
    """`azora switch` moves nobody to another release."""
    cluster = Remembered(frozen(READY))
    with pytest.raises(Refused, match=FROZEN):
        rollback._switched(cluster, GREEN, "grace", "switch")
    assert cluster.moved == []


def test_switch_by_an_exception() -> None:
    """An exception lets the named release through."""
    cluster = Remembered(frozen(READY, ONLY))
    assert rollback._switched(cluster, GREEN, "grace", "switch")
    assert len(cluster.moved) == 1


def test_rollback_in_a_freeze() -> None:
    """A rollback goes on."""
    went = replace(READY, active=GREEN, switches=(switched(1, "old", BLUE), switched(2, BASE.id, GREEN)))
    cluster = Remembered(frozen(went))
    assert rollback._switched(cluster, BLUE, "grace", "rollback")


def test_return_in_a_freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    """The automatic return goes on: a freeze that began after the switch keeps nobody on a bad release."""
    entry = switched(2, BASE.id, GREEN)
    went = replace(READY, active=GREEN, switches=(switched(1, "old", BLUE), entry))
    cluster, context = held(monkeypatch, frozen(went))
    assert switch._go_back(context, entry, Receipt(number=2, verdict="bad")) == "users are back on blue"
    assert [one.kind for one in cluster.moved] == ["return"]


def test_freeze_that_is_not_recorded_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """People who freeze have no right to write the record: no error, but who writes it."""
    no_right = Mock(side_effect=Refused("could not change azora-log-0001: forbidden"))
    monkeypatch.setattr(freezing, "connect", Mock())
    monkeypatch.setattr(freezing, "add_news", no_right)
    said = freezing.record_acts(STAGING, cast(Any, None), by="oidc:olga")
    assert said == ["the next run or the nightly run writes it into the record and notifies people"]


def test_freezes_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account without the right to read them rolls back, and promotes nothing."""
    _, context = held(monkeypatch, replace(READY, freezes=UNKNOWN))
    with pytest.raises(Refused, match="may not read whether it is frozen"):
        switch.switch(context, cast(Any, Quiet()))
    went = replace(READY, active=GREEN, switches=(switched(1, "old", BLUE), switched(2, BASE.id, GREEN)))
    cluster = Remembered(replace(went, freezes=UNKNOWN))
    assert rollback._switched(cluster, BLUE, "grace", "rollback")


def test_begin_in_a_freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that users have already is not refused; another one is."""
    _, context = held(monkeypatch, frozen(SERVING_OLD))
    with pytest.raises(Refused, match=FROZEN):
        context.must_not_be_frozen(context.look())
    context.must_not_be_frozen(frozen(replace(READY, active=GREEN)))


OVERRIDE = Override("Service azora", "oidc:olga", "the approvers are asleep", "new")


@pytest.mark.parametrize(("gate", "goes"), [(True, True), (False, False)], ids=["gate", "no gate"])
def test_promotion_after_an_override(*, gate: bool, goes: bool) -> None:
    """Users whom an override moved are no obstacle; without a gate the annotation proves nothing."""
    here = configuration("staging")
    environment = here if gate else here.model_copy(update={"approval": None})
    cluster = Remembered(replace(READY, active=GREEN, overrides=(OVERRIDE,)), environment)
    context = context_for(cluster)
    context = replace(context, delivery=replace(context.delivery, environment=environment))
    if goes:
        assert context.look().has_drifted
        return
    with pytest.raises(Refused, match="it was changed manually"):
        context.look()


def test_override_before_the_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    """An override that came after the run's first look is in the record before the switch removes its annotation."""
    monkeypatch.setattr(Context, "approval", lambda *_: None)
    cluster, context = held(monkeypatch, replace(READY, overrides=(OVERRIDE,)))
    switch.switch(context, cast(Any, Quiet()))
    kinds = [event.kind for event in cluster.log.events]
    assert kinds.index("override") < kinds.index("switching")
