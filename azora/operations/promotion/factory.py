"""From a release and an environment to the gateways that bring one to the other."""

from __future__ import annotations

from functools import partial

from azora.config.environment import Environment
from azora.config.settings import Settings
from azora.core.release.release import Release
from azora.gateways.helm.client import Helm
from azora.gateways.kubernetes.cluster import connect
from azora.operations.checkout import checkout
from azora.operations.promotion.context import Context
from azora.operations.verified_charts import verified_charts


def context_of(environment: Environment, release: Release, *, run: str, settings: Settings) -> Context:
    """Everything that brings *release* to *environment*, on behalf of *run*."""
    found = checkout(release.commit, settings)
    charts = partial(verified_charts, found, release, settings)
    delivery = found.delivery(release, environment, settings, run=run, charts=charts)
    cluster = connect(environment, settings)
    return Context(delivery, cluster, Helm(environment, settings, cluster.namespace.api.capabilities), settings)
