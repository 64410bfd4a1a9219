"""The stages of a release: where it is proved before it comes to an environment."""

from __future__ import annotations

from azora.config.environment import environments
from azora.config.settings import settings
from azora.core.promotion.stages import hours_that_count, stages_before
from azora.core.release.release import Release
from tasks.context import environment_called
from tasks.proofs import proved_already


def stages_to_prove(to: str, release: Release | None, *, fresh: bool) -> list[str]:
    """Stages before *to* where *release* still needs a proof, in order, after the last with a proof."""
    left: list[str] = []
    for stage in reversed(stages_before(to, environment_called)):
        if release and proved_already(stage, release, fresh=fresh):
            break
        left.insert(0, stage)
    return left


def is_a_stage(name: str) -> bool:
    """Return True when another environment needs the proofs of *name*."""
    return hours_that_count(name, map(environment_called, environments(settings().environments))) is not None
