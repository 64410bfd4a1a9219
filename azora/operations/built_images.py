"""The record of built images of this machine's application: which environment has it."""

from __future__ import annotations

from azora.config.environment import STAGING, environments, load_environment
from azora.config.settings import Settings
from azora.gateways.kubernetes.built_images import BuiltImages
from azora.gateways.kubernetes.cluster import connect


def record_of_images(settings: Settings) -> BuiltImages:
    """Record in the namespace of staging, or of the first environment by name where there is no staging.

    One place for all environments: every release passes it, and nothing of production changes before an approval.
    """
    names = environments(settings.environments)
    name = STAGING if STAGING in names else names[0]
    return BuiltImages(connect(load_environment(name, settings.environments), settings).record)
