"""Safety: what may serve users, what may be installed beside it; every way to switch checks both."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from azora.config.environment import load_environment
from azora.config.settings import ROOT
from azora.core.cluster.record import Receipt, StackRecord
from azora.core.cluster.state import Stack, World
from azora.core.colors import Color
from azora.core.promotion.rollback_target import target_of
from azora.core.promotion.safety import drifted, may_be_installed, may_serve, was_approved
from azora.core.release.migrations import Migration
from azora.errors import Refused
from azora.operations.promotion import switch
from azora.operations.promotion.context import Context
from azora.operations.promotion.live_probe import LiveProbe
from azora.operations.rollback import _switched as switched_by_hand
from azora.operations.rollback import to_be_brought_up
from tests.support.clusters import Remembered, context_for
from tests.support.releases import ADD, BASE, DROP, FIRST, MARK, code
from tests.support.worlds import BLUE, BOOKED, GREEN, NOW, PROVED, SWITCHED, migrated, stack, switched

PRODUCTION = load_environment("production", ROOT / "deployments/environments")


ON_THE_MARK = migrated(BLUE, "old", FIRST, ADD, MARK)
DROPPED = migrated(GREEN, "new", FIRST, ADD, MARK, DROP)
CONTRACTED = replace(SWITCHED, stacks={BLUE: ON_THE_MARK, GREEN: DROPPED})
KILLED = replace(PROVED, active=GREEN, stacks={BLUE: ON_THE_MARK, GREEN: migrated(GREEN, "new", FIRST, ADD, MARK)})


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        pytest.param(stack(GREEN, "new"), None, id="ready and proved"),
        pytest.param(Stack(GREEN), "no green stack is installed", id="nothing there"),
        pytest.param(stack(GREEN, "new", ready=2), "not ready", id="a pod short"),
        pytest.param(stack(GREEN, "new", wanted=0, ready=0), "not ready", id="scaled to nothing"),
        pytest.param(stack(GREEN, "new", proved=False), "not proved here", id="never proved"),
    ],
)
def test_color_that_may_serve(candidate: Stack, reason: str | None) -> None:
    """Traffic goes only to a color that is installed, ready and proved."""
    said = may_serve(World(stacks={GREEN: candidate}), GREEN)
    assert said is None if reason is None else reason in (said or "")


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        pytest.param(stack(GREEN, "new", helm=""), None, id="ready and proved"),
        pytest.param(stack(GREEN, "new", helm="", proved=False), "not proved here", id="never proved"),
        pytest.param(Stack(GREEN), "it has no desired pods", id="nothing there"),
    ],
)
def test_color_without_helm(candidate: Stack, reason: str | None) -> None:
    """For a user who may not read Helm's Secrets the pods and the record decide."""
    said = may_serve(World(stacks={GREEN: replace(candidate, helm=None)}, helm_is_known=False), GREEN)
    assert said is None if reason is None else reason in (said or "")


@pytest.mark.parametrize(
    ("world", "color", "reason"),
    [
        pytest.param(CONTRACTED, BLUE, "the blue stack runs old, made without migration 0004, a contract that ran later", id="back over it"),
        pytest.param(CONTRACTED, GREEN, None, id="to the one that brought it"),
        pytest.param(replace(CONTRACTED, stacks={BLUE: ON_THE_MARK, GREEN: migrated(GREEN, "new", FIRST)}), BLUE, None, id="back over expands"),
        pytest.param(replace(KILLED, migrating=(FIRST, ADD, MARK, DROP)), BLUE, "may have run", id="killed while it ran"),
        pytest.param(replace(KILLED, migrating=(FIRST, ADD)), BLUE, None, id="killed while an expand ran"),
    ],
)  # fmt: skip
def test_color_from_before_a_contract(world: World, color: Color, reason: str | None) -> None:
    """Traffic never goes back to code from before a contract migration."""
    said = may_serve(world, color)
    assert said is None if reason is None else reason in (said or "")


@pytest.mark.parametrize(
    ("world", "release", "reason"),
    [
        pytest.param(World(), code(FIRST, ADD, MARK, DROP), None, id="an empty environment takes all at once"),
        pytest.param(PROVED, code(FIRST), None, id="an expand"),
        pytest.param(
            replace(PROVED, stacks={BLUE: migrated(BLUE, "old", FIRST, ADD)}),
            code(FIRST, ADD, MARK, DROP),
            "migration 0004 would break the active release: it is a contract, and release old does not have 0003",
            id="expand and contract at once",
        ),
        pytest.param(replace(PROVED, stacks={BLUE: ON_THE_MARK}), code(FIRST, ADD, MARK, DROP), None, id="one later"),
        pytest.param(CONTRACTED, code(FIRST, ADD, MARK), "without migration 0004", id="a release from before it"),
        pytest.param(
            replace(PROVED, stacks={BLUE: replace(ON_THE_MARK, record=None)}),
            code(FIRST, ADD, MARK, DROP),
            "the record does not list",
            id="a record that is lost",
        ),
    ],
)
def test_release_that_may_be_installed(world: World, release: StackRecord, reason: str | None) -> None:
    """A release is refused when its migrations would break the code that serves users."""
    said = may_be_installed(world, release)
    assert said is None if reason is None else reason in (said or "")


def test_promotion_of_a_breaking_contract() -> None:
    """The first look refuses it with what to do, and writes nothing."""
    cluster = Remembered(replace(PROVED, stacks={BLUE: migrated(BLUE, "old", FIRST)}))
    with pytest.raises(Refused, match=r"could not bring .* to staging: migration 0004 would break") as caught:
        context_for(cluster, FIRST, ADD, MARK, DROP).look()
    assert "first release a commit with the expand" in caught.value.advice
    assert not cluster.written


def test_switch_past_a_contract() -> None:
    """A manual switch past a contract migration is refused."""
    cluster = Remembered(CONTRACTED)
    with pytest.raises(Refused, match="a contract that ran later"):
        switched_by_hand(cluster, BLUE, "ada", "switch")
    assert not cluster.moved


def test_rollback_from_an_empty_selector() -> None:
    """A rollback mends a live Service that selects no color."""
    cluster = Remembered(replace(SWITCHED, active=None))
    entry = switched_by_hand(cluster, GREEN, "ada", "rollback")
    assert entry is not None
    assert (entry.came_from, entry.to) == (None, GREEN)
    assert cluster.moved == [entry]


@pytest.mark.parametrize("migrations", [(FIRST, ADD, MARK), ()], ids=["with its list", "remembered by an older Azora"])
def test_rollback_past_a_contract(migrations: tuple[Migration, ...]) -> None:
    """The rollback is refused before anything is installed."""
    cluster = Remembered(CONTRACTED)
    old = BASE.model_copy(update={"migrations": migrations, "migration_heads": ("0003",)})
    cluster.record.add_release(old)
    assert target_of("shop", CONTRACTED, None) == "old"
    with pytest.raises(Refused, match=r"could not roll staging back to .*: it was made without migration 0004"):
        to_be_brought_up(cluster, old.id)


@pytest.mark.parametrize(
    ("world", "goes_to", "said"),
    [
        pytest.param(
            CONTRACTED, [], "users stay on green: the blue stack runs old, made without", id="past a contract"
        ),
        pytest.param(SWITCHED, [BLUE], "users are back on blue", id="no contract"),
    ],
)
def test_return_past_a_contract(world: World, goes_to: list[Color], said: str) -> None:
    """The automatic rollback of a bad switch obeys the contract rule too."""
    cluster = Remembered(world)
    entry = world.switches[-1]
    told = switch._go_back(context_for(cluster), entry, Receipt(number=entry.number, verdict="bad", reason="3 failed"))
    assert said in told
    assert [move.to for move in cluster.moved] == goes_to
    assert ("users stay" in str(cluster.written["receipts"])) == (not goes_to)


@pytest.mark.parametrize(
    ("world", "drift"),
    [
        pytest.param(World(), None, id="nothing was ever released"),
        pytest.param(BOOKED, None, id="as the log says"),
        pytest.param(replace(BOOKED, selected_release="new"), None, id="its selector names the release, too"),
        pytest.param(replace(BOOKED, active=BLUE), "the live Service selects blue", id="the other color"),
        pytest.param(replace(BOOKED, active=None), "selects no color", id="no color"),
        pytest.param(replace(BOOKED, selected_release="x"), "selects green, release x", id="another release"),
        pytest.param(
            replace(BOOKED, stacks={**BOOKED.stacks, GREEN: stack(GREEN, "hotfix")}),
            "switch 2 sent users to green, release new, and the green stack runs hotfix",
            id="another release in the live color",
        ),
    ],
)
def test_drift(world: World, drift: str | None) -> None:
    """A manual change of the live Service or its stack is drift, never taken for a promotion."""
    said = drifted(world)
    assert said is None if drift is None else drift in (said or "")


def test_promotion_with_drift() -> None:
    """The run is refused, names the drift and the rollback that mends it, and writes nothing."""
    cluster = Remembered(replace(BOOKED, active=BLUE))
    with pytest.raises(Refused, match=r"could not promote in staging: switch 2 .* changed manually") as caught:
        context_for(cluster).look()
    assert "`azora rollback staging`" in caught.value.advice
    assert not cluster.written


APPROVED_LATER = (switched(1, "older", BLUE), switched(2, "old", GREEN, approval="run/1"), switched(3, "x", BLUE))


@pytest.mark.parametrize(
    ("world", "release", "approved"),
    [
        pytest.param(World(switches=APPROVED_LATER[:1]), "older", True, id="the environment never asked"),
        pytest.param(World(switches=APPROVED_LATER), "old", True, id="its switch carries an approval"),
        pytest.param(World(switches=APPROVED_LATER), "x", False, id="where a hand had sent users"),
        pytest.param(World(switches=APPROVED_LATER), "preview", False, id="it never served"),
        pytest.param(
            World(switches=APPROVED_LATER, approval_since=NOW + timedelta(hours=1)), "older", True, id="from before"
        ),
        pytest.param(
            World(switches=APPROVED_LATER[2:], approval_since=NOW), "x", False, id="the log forgot the approved one"
        ),
    ],
)
def test_approved_release(world: World, release: str, *, approved: bool) -> None:
    """A manual switch needs a release with an approval, or one from before approvals were asked."""
    assert was_approved(world, release) is approved


def test_switch_to_an_unapproved_release() -> None:
    """`azora switch` refuses a preview without approval, and accepts it where none is asked."""
    waiting = replace(BOOKED, stacks={**BOOKED.stacks, BLUE: stack(BLUE, "rejected")})
    cluster = Remembered(waiting, PRODUCTION)
    with pytest.raises(Refused, match="to release rejected: it has no approval here") as caught:
        switched_by_hand(cluster, BLUE, "ada", "switch")
    assert "azora deploy production" in caught.value.advice
    assert not cluster.moved
    assert switched_by_hand(Remembered(waiting), BLUE, "ada", "switch")


def test_switch_that_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry finds its own entry: users move once, and the rollback target is known."""
    entry = switched(2, BASE.id, GREEN, approval="run/1")
    live = stack(GREEN, BASE.id)
    cluster = Remembered(
        replace(SWITCHED, stacks={**SWITCHED.stacks, GREEN: live}, switches=(SWITCHED.switches[0], entry))
    )
    monkeypatch.setattr(Context, "hold", lambda _: None)
    context = context_for(cluster)
    assert switch.switch(context, LiveProbe(context.delivery, context.settings, context.cluster.namespace)) is entry
    assert not cluster.moved


@pytest.mark.parametrize("kind", ["switch", "rollback"])
def test_return_of_a_manual_switch(kind: str) -> None:
    """A run never undoes a person's switch or rollback."""
    entry = SWITCHED.switches[-1].model_copy(update={"kind": kind, "by": "ada"})
    cluster = Remembered(replace(SWITCHED, switches=(SWITCHED.switches[0], entry)))
    said = switch._go_back(context_for(cluster), entry, Receipt(number=entry.number, verdict="bad", reason="3 failed"))
    assert said == f"users stay on green: ada made this {kind}"
    assert not cluster.moved


def test_rollback_to_a_changed_stack() -> None:
    """Users get the release that was chosen, or none."""
    with pytest.raises(Refused, match="the blue stack runs old now, not another"):
        switched_by_hand(Remembered(BOOKED), BLUE, "ada", "rollback", "another")


def test_switch_with_the_approval() -> None:
    """The log entry of a manual switch names the approval of its release."""
    (first, second) = BOOKED.switches
    world = replace(BOOKED, switches=(first.model_copy(update={"approval": "run/1"}), second))
    entry = switched_by_hand(Remembered(world, PRODUCTION), BLUE, "ada", "switch")
    assert entry is not None
    assert entry.approval == "run/1"


def test_migrations_of_a_killed_install() -> None:
    """Migrations in doubt stay in the record until an installation succeeds."""
    cluster = Remembered(CONTRACTED)
    release = BASE.model_copy(update={"migrations": (FIRST, DROP)})
    cluster.record.begin_migrating(release)
    cluster.record.begin_migrating(BASE.model_copy(update={"migrations": (FIRST, ADD)}))
    assert [one in (cluster.written["migrating"] or "") for one in ("0001", "0002", "0004")] == [True] * 3
    cluster.record.set_installed(GREEN, code(FIRST))
    assert cluster.written["migrating"] is None
