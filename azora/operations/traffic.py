"""Send users to a color by hand, and back: needs the Kubernetes API alone, so that it works with Prefect down.

Imports little: what moves users must not wait for Helm's or Prefect's modules.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from azora.core.cluster.record import LastRollback, Switch
from azora.core.cluster.state import World
from azora.core.colors import Color
from azora.core.promotion.safety import may_be_installed, may_serve, outdated, was_approved
from azora.core.release.release import Release, shown
from azora.errors import BadInput, Conflict, Refused
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.events import tell
from azora.gateways.kubernetes.lease import held

TRIES = 5
BRING_UP = (
    "bring a known-good release up first: `azora rollback ENVIRONMENT REVISION` with one that `azora status` lists"
)
NO_WAY_BACK = "what a contract took away does not come back: correct the newest code and release that"


def point_at(
    cluster: Cluster, color: Color, *, by: str, kind: Literal["switch", "rollback"], release: str | None = None
) -> Switch | None:
    """Send users of the environment to *color*; preempts a promotion that runs. None when they are there already.

    Raises:
        Refused: the stack of *color* is not ready, was never proved here, or is older than a contract that ran; for a switch
            also, where the environment asks for approvals, that its release never had one.
    """
    began = datetime.now(UTC)
    with held(cluster, f"{kind} by {by}", preempt=True):
        entry = _switched(cluster, color, by, kind, release)
        if entry and kind == "rollback":
            seconds = (datetime.now(UTC) - began).total_seconds()
            cluster.write_record(rollback=LastRollback(at=began, seconds=seconds).model_dump_json())
        if entry:
            moved = (
                f"users go from {entry.came_from} to {entry.to}: release {shown(entry.release)} (switch {entry.number})"
            )
            tell(cluster, kind.capitalize(), moved, run=by)
        return entry


def _switched(
    cluster: Cluster, color: Color, by: str, kind: Literal["switch", "rollback"], release: str | None = None
) -> Switch | None:
    """One compare-and-swap; looked at again when something else moved the Service in between."""
    for left in reversed(range(TRIES)):
        world = cluster.look()
        if world.service_version is None:
            raise BadInput(
                f"could not move users of {cluster.environment.name}: there is no live Service",
                advice="release something first",
            )
        if world.active is color and not world.strayed:
            return None
        if reason := may_serve(world, color) or _runs_another(world, color, release):
            raise Refused(
                f"could not move users of {cluster.environment.name} to {color}: {reason}",
                advice=NO_WAY_BACK if outdated(world, world.stack(color)) else BRING_UP,
            )
        if kind == "switch":
            must_be_approved(cluster, world, str(world.stack(color).release))
        entry = _entry(world, color, by, kind)
        try:
            cluster.switch(world, entry)
            cluster.point_preview_at(world.stack(color.other))
            return entry
        except Conflict:
            if not left:
                raise
    return None


def _runs_another(world: World, color: Color, release: str | None) -> str | None:
    """Why the stack of *color* is not what was meant; None where it runs *release*, or nothing was named."""
    found = world.stack(color).release
    return (
        f"the {color} stack runs {shown(found)} by now, not {shown(release)}" if release not in {None, found} else None
    )


def _entry(world: World, color: Color, by: str, kind: Literal["switch", "rollback"]) -> Switch:
    stack = world.stack(color)
    return Switch(
        number=world.next_switch,
        at=datetime.now(UTC),
        kind=kind,
        came_from=world.active,
        to=color,
        release=str(stack.release),
        commit=stack.known.commit if stack.known else "",
        by=by,
        approval=world.approval_of(stack.release),
    )


def must_be_approved(cluster: Cluster, world: World, release: str) -> None:
    """Raise Refused for a release that never came to users by an approval, where the environment asks for one."""
    environment = cluster.environment
    if environment.approval is None or was_approved(world, release):
        return
    raise Refused(
        f"could not move users of {environment.name} to release {shown(release)}: nobody approved it here",
        advice=f"request an approval: `azora deploy {environment.name} COMMIT`, or the flow that releases it",
    )


def to_be_brought_up(cluster: Cluster, id_: str) -> Release:
    """The release that a rollback goes to and that no color runs.

    Raises:
        BadInput: it is not remembered here.
        Refused: it is older than a contract that ran.
    """
    release = cluster.release_called(id_)
    if reason := may_be_installed(cluster.look(), release):
        raise Refused(
            f"could not roll {cluster.environment.name} back to {release.title}: {reason}", advice=NO_WAY_BACK
        )
    return release
