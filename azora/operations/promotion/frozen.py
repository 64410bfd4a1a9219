"""Freeze of an environment: refuses what would move users to another release, but for a rollback."""

from __future__ import annotations

from datetime import UTC, datetime

from azora.core.cluster.state import World
from azora.core.release.release import shown
from azora.errors import Refused


def must_not_be_frozen(environment: str, world: World, release: str, run: str) -> None:
    """Check that no freeze keeps *release* from users.

    Raises:
        Refused: one does, and no exception names *release* or *run*; or freezes cannot be read.
    """
    if not world.freezes.known:
        raise Refused(
            f"could not promote in {environment}: this account may not read whether it is frozen",
            advice="add the right to read the ConfigMap azora-freeze: docs/rights.md",
        )
    if freeze := world.freezes.keeps_out(release, run, datetime.now(UTC)):
        raise Refused(
            f"could not promote release {shown(release)} in {environment}: it is frozen {freeze.text}",
            advice=f"start it again after the freeze; for this one release `azora unfreeze {environment} --only {shown(release)}`,"
            " as a person with the right to override",
        )
