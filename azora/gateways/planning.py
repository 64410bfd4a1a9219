"""The plan of a release for an environment, from a fresh look at the cluster."""

from __future__ import annotations

from datetime import UTC, datetime

from azora.bound import bound_of
from azora.environment import Environment, load_environment
from azora.gateways.cluster import connect
from azora.gateways.delivering import promotion_of
from azora.gateways.source import changes_between
from azora.plan import Plan, plan_of, proof_for
from azora.record import ProofRecord
from azora.release import Release
from azora.settings import Settings
from azora.world import World


def plan_now(environment: Environment, release: Release, *, run: str, settings: Settings) -> Plan:
    """Everything that *release* would change in *environment*, with the commits it brings and the proof it leans on.

    Raises:
        Refused: it may not come there, so that no approval is requested for it.
    """
    promotion = promotion_of(environment, release, run=run, settings=settings)
    world = promotion.look()
    return plan_of(
        environment,
        release,
        world,
        bound_of(world, promotion.wanted),
        changes=changes_between(settings.repository_location, _commit_of_users(world), release.commit)[:50],
        proof=_proof(environment, release, settings),
        running=promotion.cluster.running() if world.active_stack else None,
    )


def _commit_of_users(world: World) -> str | None:
    return world.serving.commit or None if world.serving else None


def _proof(environment: Environment, release: Release, settings: Settings) -> ProofRecord | None:
    policy = environment.proof
    if policy is None:
        return None
    there = connect(load_environment(policy.environment, settings.environments), settings).look()
    return proof_for(there, release.id, datetime.now(UTC), policy.max_age_hours)
