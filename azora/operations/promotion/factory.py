"""From a release and an environment to the gateways that bring one to the other."""

from __future__ import annotations

from azora.config.application import load_application
from azora.config.environment import Environment
from azora.config.settings import Settings
from azora.core.release.delivery import Delivery
from azora.core.release.release import Release
from azora.gateways.helm.client import Helm
from azora.gateways.kubernetes.cluster import connect
from azora.operations.promotion.context import Context
from azora.operations.release import folder_of


def context_of(environment: Environment, release: Release, *, run: str, settings: Settings) -> Context:
    """Everything that brings *release* to *environment*, on behalf of *run*."""
    folder = folder_of(release.commit, settings)
    delivery = Delivery(release, load_application(folder), environment, folder, run)
    cluster = connect(environment, settings)
    return Context(delivery, cluster, Helm(environment, settings), settings)
