"""A plan for a state of the environment, as a promotion makes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from azora.config.environment import Environment, load_environment
from azora.config.settings import ROOT
from azora.core.cluster.record import ProofRecord
from azora.core.cluster.state import World
from azora.core.promotion.binding import bound_of, policy_digest
from azora.core.promotion.goal import Wanted
from azora.core.promotion.plan import Plan, plan_of
from azora.core.release.release import Release
from tests.support.releases import BASE
from tests.support.worlds import NOW

PRODUCTION = load_environment("production", ROOT / "deployments/environments")
PROOF = ProofRecord(release=BASE.id, at=NOW - timedelta(hours=1), run="abc", summary="all passed")


def planned(world: World, release: Release = BASE, environment: Environment = PRODUCTION, **shown: Any) -> Plan:
    """The plan for *release* as a promotion makes it."""
    wanted = Wanted(
        release.id, "run", True, False, None, "router", environment.name, policy_digest(environment), code=release
    )
    return plan_of(environment, release, world, bound_of(world, wanted), **shown)
