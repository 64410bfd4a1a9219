"""From names to gateways: what a task gets are plain names, so that Prefect can store and show them."""

from __future__ import annotations

from enum import StrEnum

from prefect.runtime import flow_run

from azora.config.environment import NAMED_BY_FLOWS, Environment, environments_of_flows, load_environment
from azora.config.settings import settings
from azora.core.release.release import Release
from azora.errors import BadInput
from azora.gateways.kubernetes.cluster import Cluster, connect
from azora.operations.promotion import factory
from azora.operations.promotion.context import Context


def _offered() -> list[str]:
    """Environments; settings or files that cannot be read fail a run's first step, not its import."""
    try:
        return environments_of_flows(settings().environments)
    except BadInput:
        return list(NAMED_BY_FLOWS)


# One member per file, so that the start form offers the environments there are.
EnvironmentName = StrEnum(  # type: ignore[misc]
    "EnvironmentName", {name.upper().replace("-", "_"): name for name in _offered()}
)


def this_run() -> str:
    """Id of the flow run this code runs in."""
    return str(flow_run.get_id() or "local")


def name_of_this_run() -> str:
    """Name of the flow run this code runs in, as Prefect shows it."""
    return str(flow_run.get_name() or this_run())


def environment_called(name: str) -> Environment:
    return load_environment(str(name), settings().environments)


def cluster_of(environment: str) -> Cluster:
    return connect(environment_called(environment), settings())


def context_of(environment: str, release: Release) -> Context:
    """Everything that brings *release* to *environment*, on behalf of this run."""
    return factory.context_of(environment_called(environment), release, run=this_run(), settings=settings())
