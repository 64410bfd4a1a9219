"""Run a suite of what an environment runs now, against its live address."""

from __future__ import annotations

from typing import Literal

from azora.config.environment import Environment
from azora.config.settings import Settings
from azora.core.checks.suite_result import SuiteResult
from azora.errors import BadInput
from azora.gateways.kubernetes.cluster import connect
from azora.operations.promotion.factory import context_of


def run_live_suite(
    environment: Environment, name: Literal["e2e", "smoke"], *, run: str, settings: Settings
) -> SuiteResult:
    """Result of suite *name* of the active release, with reports in the folder of *run*.

    The cluster's record does not change.

    Raises:
        BadInput: no color is active.
    """
    cluster = connect(environment, settings)
    world = cluster.look()
    live = world.active_stack
    if live is None:
        raise BadInput(f"could not test {environment.name}: no color is active", advice="release something first")
    return context_of(environment, cluster.running(world), run=run, settings=settings).suite(
        name, environment.hosts.live, live
    )
