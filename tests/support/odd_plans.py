"""Plans whose commits, people and refs are odd texts."""

from __future__ import annotations

from dataclasses import replace

from azora.core.cluster.freeze import Act, Freeze
from azora.core.cluster.overrides import Override
from azora.core.cluster.record import StackRecord
from azora.core.cluster.state import World
from azora.core.promotion.plan import Change, Plan
from azora.core.release.migrations import Migration
from azora.core.release.release import Release
from tests.support.plans import PROOF, planned
from tests.support.releases import BASE
from tests.support.worlds import BLUE, GREEN, NOW, SERVING_OLD, YES, stack


def release_of(odd: str) -> Release:
    """A release whose commit, images and migrations are all called so."""
    name = odd.encode(errors="replace").decode()
    update = {
        "subject": odd,
        "images": {name: BASE.images["web"]},
        "migration_heads": (name,),
        "migrations": (Migration(revision=name, phase="contract"),),
    }
    return BASE.model_copy(update=update)


def recorded(world: World, odd: str) -> World:
    """*world*, where each color runs a commit with this subject, and an approval and its reason read so."""
    stacks = {}
    for color, release in ((BLUE, "old"), (GREEN, "new")):
        record = StackRecord(release=release, commit="c" * 40, revision=1).model_copy(update={"subject": odd})
        stacks[color] = replace(stack(color, release), record=record)
    yes = YES.model_copy(update={"approver": odd, "reason": odd})
    return replace(world, stacks=stacks, approvals=(yes,))


def plan_of_odd(odd: str) -> Plan:
    changes = (Change("1234567", odd, odd), Change("89abcde", "Ada", odd))
    proof = PROOF.model_copy(update={"summary": odd})
    freeze = Freeze(
        odd, NOW, NOW, odd, (Act.model_construct(kind="exception", at=NOW, reason=odd, subject=BASE.id, by=odd),)
    )
    found = replace(recorded(SERVING_OLD, odd), overrides=(Override(odd, odd, odd, odd),))
    return planned(found, release_of(odd), changes=changes, proof=proof, freeze=freeze)
