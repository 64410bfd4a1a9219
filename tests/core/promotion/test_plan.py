"""The plan: what its hash is bound to, and how it reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from azora.core.messages.plan_page import markdown
from azora.core.promotion.plan import Change, proof_for
from azora.core.release.migrations import Migration
from tests.support.plans import PRODUCTION, PROOF, planned
from tests.support.releases import ADD, BASE, DROP, FIRST
from tests.support.worlds import BLUE, GREEN, NOW, SERVING_OLD, SWITCHED, migrated, stack


def test_hash_that_stays() -> None:
    """A second look, a proof or another preview does not change the hash."""
    plan = planned(SERVING_OLD, changes=(Change("a", "b", "c"),), proof=PROOF)
    with_preview = replace(SERVING_OLD, stacks={**SERVING_OLD.stacks, GREEN: stack(GREEN, "other")})
    assert plan.hash == planned(SERVING_OLD).hash == planned(with_preview).hash


def test_hash_that_changes() -> None:
    """Another release, another policy and a traffic switch each change the hash."""
    other = BASE.model_copy(update={"values_digest": "w"})
    asked_later = PRODUCTION.model_copy(
        update={"approval": PRODUCTION.approval.model_copy(update={"ask": "after_preview"})}
    )  # type: ignore[union-attr]
    hashes = {
        planned(SERVING_OLD).hash,
        planned(SERVING_OLD, other).hash,
        planned(SERVING_OLD, environment=asked_later).hash,
        planned(SWITCHED).hash,
    }
    assert len(hashes) == 4


def test_page_of_a_plan() -> None:
    """The page has both colors, the release, its commits, its proof and when approval counts."""
    plan = planned(SERVING_OLD, changes=(Change("1234567", "Ada", "Fix the cart"),), proof=PROOF)
    text = markdown(replace(plan, objects="1f2e3d4c5b6a7988"))
    for told in (
        "blue: `old`",
        "green",
        BASE.id[:12],
        "`1234567` `Fix the cart` (`Ada`)",
        "all passed",
        "**before** anything in production changes",
        "| objects | `1f2e3d4c5b6a` |",
    ):
        assert told in text


@pytest.mark.parametrize(
    ("migrations", "told"),
    [
        ((FIRST,), "| migrations | none to run (at `0001`) |"),
        ((FIRST, ADD), "| migrations | expand `0002` |"),
        ((FIRST, ADD, DROP), "| migrations | expand `0002`, contract `0004`; **no rollback** to the active release"),
    ],
    ids=["none", "expand", "contract"],
)
def test_page_with_migrations(migrations: tuple[Migration, ...], told: str) -> None:
    """The page lists the migrations that would run."""
    release = BASE.model_copy(update={"migrations": migrations})
    world = replace(SERVING_OLD, stacks={BLUE: migrated(BLUE, "old", FIRST)})
    assert told in markdown(planned(world, release))


def test_request_before_a_migration() -> None:
    """A plan with a migration needs the approval before the preview, whatever the policy."""
    policy = PRODUCTION.approval.model_copy(update={"ask": "after_preview"})  # type: ignore[union-attr]
    later = PRODUCTION.model_copy(update={"approval": policy})
    world = replace(SERVING_OLD, stacks={BLUE: migrated(BLUE, "old", FIRST)})
    asked = [planned(world, BASE.model_copy(update={"migrations": m}), later).ask for m in ((FIRST,), (FIRST, ADD))]
    assert asked == ["after_preview", "before_preview"]


@pytest.mark.parametrize(("age_hours", "counts"), [(1, True), (168, True), (169, False)])
def test_proof_that_is_too_old(age_hours: int, *, counts: bool) -> None:
    """A proof counts up to its maximum age."""
    proof = PROOF.model_copy(update={"at": NOW - timedelta(hours=age_hours)})
    world = replace(SERVING_OLD, proofs=(proof,))
    assert (proof_for(world, BASE.id, NOW, 168) is not None) is counts
