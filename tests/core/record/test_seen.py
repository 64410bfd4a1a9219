"""Acts of people that the record lacks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from azora.core.cluster.freeze import Act, Acts
from azora.core.cluster.overrides import Override
from azora.core.cluster.record import Switch
from azora.core.cluster.state import World
from azora.core.record.entry import Entry, entry_of
from azora.core.record.events import Event, Frozen, Overridden, PolicyChanged
from azora.core.record.seen import FILE, news
from tests.support.chains import ASKED, AT, chain, whole
from tests.support.worlds import BOOKED, YES

FREEZE = Act(kind="freeze", at=AT, until=AT + timedelta(hours=9), reason="the sale", by="oidc:ada")
END = Act(kind="end", at=AT + timedelta(hours=1), reason="it is over", by="oidc:olga")
ONLY = Act(kind="exception", at=AT, subject="3f2a1c9b0d4e", reason="a fix", by="oidc:olga")
LONG_AGO = FREEZE.model_copy(update={"at": AT - timedelta(days=100)})
OVERRIDE = Override("Service shop", "oidc:olga", "the approvers are asleep", "2" * 40)

FROZEN = Frozen(until=FREEZE.until, given_at=FREEZE.at)
LIFTED = Frozen(given_at=END.at)
EXCEPTION = Overridden(rule="freeze", where="3f2a1c9b0d4e", reason="a fix", given_at=ONLY.at)
OVERRIDDEN = Overridden(release="2" * 40, where="Service shop", reason="the approvers are asleep", after=2)


def entries(*events: Event, number: int = 1) -> list[Entry]:
    lines = chain(*((event, 4, "run", "run", "") for event in events))
    return [entry_of(line).model_copy(update={"number": number + at}) for at, line in enumerate(lines)]


def world(*acts: Act, overrides: tuple[Override, ...] = ()) -> World:
    return replace(BOOKED, freezes=Acts(acts), overrides=overrides)


@pytest.mark.parametrize(
    ("world", "known", "events"),
    [
        pytest.param(world(), entries(), [], id="nothing happened"),
        pytest.param(world(FREEZE), [], [FROZEN], id="no record yet"),
        pytest.param(world(FREEZE), entries(), [FROZEN], id="a freeze"),
        pytest.param(world(FREEZE), entries(FROZEN), [], id="a freeze that is recorded"),
        pytest.param(world(FREEZE, END), entries(FROZEN), [LIFTED], id="its end"),
        pytest.param(world(FREEZE, ONLY), entries(FROZEN), [EXCEPTION], id="an exception"),
        pytest.param(world(overrides=(OVERRIDE,)), entries(), [OVERRIDDEN], id="an override"),
        pytest.param(world(overrides=(OVERRIDE,)), entries(OVERRIDDEN), [], id="an override that is recorded"),
        pytest.param(
            world(overrides=(OVERRIDE,)),
            entries(OVERRIDDEN.model_copy(update={"after": 1})),
            [OVERRIDDEN],
            id="the same again after a promotion",
        ),
        pytest.param(
            world(LONG_AGO),
            entries(number=700),
            [],
            id="a freeze of long ago, in an earlier object",
        ),
    ],
)
def test_acts_that_are_not_recorded(world: World, known: list[Entry], events: list[Event]) -> None:
    """Each act becomes an entry once."""
    found = news(replace(world, switches=_approved(world)), "policy", known, who="run")
    assert [one.event for one in found] == events


def _approved(world: World) -> tuple[Switch, ...]:
    return tuple(one.model_copy(update={"approval": YES.id}) for one in world.switches)


def test_person_and_time() -> None:
    """The entry has the person and the time of the act."""
    (found,) = news(world(FREEZE), "policy", entries(), who="run")
    assert (found.who, found.why, found.at) == ("oidc:ada", "the sale", AT)


@pytest.mark.parametrize(
    ("known", "policy", "events"),
    [
        pytest.param(entries(), "new", [], id="nothing is known of before"),
        pytest.param(entries(ASKED), "policy", [], id="as in the last request"),
        pytest.param(entries(ASKED), "new", [PolicyChanged(what=FILE, before="policy", after="new")], id="another one"),
        pytest.param(entries(ASKED, PolicyChanged(what=FILE, after="new")), "new", [], id="recorded already"),
        pytest.param(entries(ASKED, PolicyChanged(what="the gate", after="on")), "policy", [], id="the gate"),
    ],
)
def test_changed_file(known: list[Entry], policy: str, events: list[Event]) -> None:
    """A file that differs from that of the last request or entry is recorded."""
    assert [one.event for one in news(BOOKED, policy, known, who="run")] == events


def test_whole_record() -> None:
    """The record of a promotion names the file's digest."""
    assert news(BOOKED, "policy", [entry_of(line) for line in whole()], who="run") == []
