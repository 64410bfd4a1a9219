"""The plan of a release for an environment, from a fresh look at the cluster."""

from __future__ import annotations

from datetime import UTC, datetime

from azora.config.environment import Environment, load_environment
from azora.config.settings import Settings
from azora.core.cluster.record import ProofRecord
from azora.core.cluster.state import World
from azora.core.promotion.binding import bound_of
from azora.core.promotion.plan import Change, Plan, plan_of, proof_for
from azora.core.release.release import Release
from azora.gateways.git.repository import authors_between, changes_between, is_known, is_on_main_branch
from azora.gateways.kubernetes.cluster import connect
from azora.operations.promotion.factory import context_of

UNKNOWN = "0" * 40  # no commit


def plan_now(environment: Environment, release: Release, *, run: str, settings: Settings) -> Plan:
    """Plan of *release* in *environment*, with the commits that it brings and its proof.

    Raises:
        Refused: it may not come there, so that no approval is requested for it.
    """
    context = context_of(environment, release, run=run, settings=settings)
    world = context.look()
    on_main = is_on_main_branch(release.commit, settings)
    gained, lost = commits_of(world, release.commit, settings)
    excludes = environment.approval is not None and environment.approval.excludes_authors
    return plan_of(
        environment,
        release,
        world,
        bound_of(world, context.wanted),
        changes=gained,
        proof=_proof(environment, release, settings),
        running=context.cluster.running(world) if world.active_stack else None,
        lost=lost,
        on_main=on_main,
        freeze=world.freezes.in_force(datetime.now(UTC)),
        run=run,
        authors=authors_of(world, release.commit, settings) if excludes else (),
    )


def commits_of(world: World, commit: str, settings: Settings) -> tuple[tuple[Change, ...], tuple[Change, ...] | None]:
    """The commits that users would get with *commit*, and those that they would lose.

    Where it is not known what they have, all that *commit* has, and None.
    """
    if world.active_stack is None:
        return changes_between(None, commit, settings), ()
    now = world.serving.commit if world.serving else ""
    if not (now and is_known(now, settings)):
        return changes_between(None, commit, settings), None
    return changes_between(now, commit, settings), changes_between(commit, now, settings)


def authors_of(world: World, commit: str, settings: Settings) -> tuple[str, ...]:
    """Addresses of the authors of the commits that users would get with *commit*.

    A first release has those of its last 50 commits. Where it is not known what users have, all of *commit* count.
    """
    if world.active_stack is None:
        return authors_between(None, commit, settings)
    now = world.serving.commit if world.serving else ""
    return authors_between(now if now and is_known(now, settings) else UNKNOWN, commit, settings)


def _proof(environment: Environment, release: Release, settings: Settings) -> ProofRecord | None:
    policy = environment.proof
    if policy is None:
        return None
    there = connect(load_environment(policy.environment, settings.environments), settings).look()
    return proof_for(there, release.id, datetime.now(UTC), policy.max_age_hours)
