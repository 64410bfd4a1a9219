"""Roll back and switch by hand, whole: find the target, bring it up when it is not up, move users.

Needs the Kubernetes API alone, so that it works with Prefect down; imports neither Helm nor Prefect where nothing is brought up.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from azora.config.environment import Environment
from azora.config.settings import Settings
from azora.core.cluster.record import LastRollback, Switch
from azora.core.cluster.state import World
from azora.core.colors import Color
from azora.core.promotion.rollback_target import target_of
from azora.core.promotion.safety import may_be_installed, may_serve, must_know_helm, outdated, was_approved
from azora.core.release.release import Release, shown
from azora.errors import AzoraError, BadInput, Conflict, Refused
from azora.gateways.kubernetes.access_review import user_of
from azora.gateways.kubernetes.cluster import Cluster, connect
from azora.gateways.kubernetes.events import write_event
from azora.gateways.kubernetes.lease import held
from azora.operations.promotion.frozen import must_not_be_frozen
from azora.operations.record import writing
from azora.operations.record.writing import refusals

if TYPE_CHECKING:
    from azora.operations.promotion.context import Context


def switch_users(
    environment: Environment, color: Color, settings: Settings, *, by: str, why: str = ""
) -> Switch | None:
    """Send users to *color*; None when they are there already. Raises Refused when it may not serve."""
    cluster = connect(environment, settings)
    by = _person(cluster, settings, by)
    with refusals(cluster, "switch", who=by):
        return point_at(cluster, color, by=by, kind="switch", why=why)


def roll_back(environment: Environment, revision: int | None, settings: Settings, *, by: str, why: str = "") -> Switch:
    """Switch users back: at once while the old stack runs, else after its release was installed again.

    Raises:
        Refused: users are there or went back already, or the target may not serve; also, of a numbered one, that nobody approved
            its release here.
    """
    cluster = connect(environment, settings)
    by = _person(cluster, settings, by)
    with refusals(cluster, "rollback", who=by):
        return _rolled_back(cluster, revision, settings, by, why)


def _rolled_back(cluster: Cluster, revision: int | None, settings: Settings, by: str, why: str) -> Switch:
    world, environment = cluster.look(), cluster.namespace.environment
    target = target_of(environment.name, world, revision)
    release = str(world.stack(target).release) if isinstance(target, Color) else target
    if revision is not None:
        must_be_approved(cluster, world, release)
    color = target if isinstance(target, Color) else _bring_up(cluster, world, target, by, settings)
    entry = point_at(cluster, color, by=by, kind="rollback", release=release, why=why)
    if entry is None:
        raise Refused(f"could not roll {environment.name} back: {color} is active already", advice="see `azora status`")
    return entry


def _person(cluster: Cluster, settings: Settings, typed: str) -> str:
    """Name for the record: behind a gate the user of a person's own kubeconfig; else the *typed* one."""
    if not cluster.namespace.environment.has_a_gate or settings.identities is not None:
        return typed
    return user_of(cluster.namespace.api)


def moved_by(environment: Environment, by: str, settings: Settings) -> Switch | None:
    """The last switch, where *by* made it and users are still there.

    A run that tries again must not move users twice: what failed may have failed after the switch.
    """
    world = connect(environment, settings).look()
    last = world.last_switch
    return last if last and last.by == by and not world.has_drifted else None


def record_in_helm(environment: Environment, settings: Settings, *, by: str) -> None:
    """Record the active color in Helm.

    No traffic depends on it; after an error the next promotion records it.
    """
    from azora.operations.promotion import switch  # noqa: PLC0415 - the fast path must not wait for Helm's modules

    cluster = connect(environment, settings)
    with suppress(AzoraError), held(cluster.namespace, by):
        switch.record_in_helm(_context(cluster, cluster.running(), by, settings))


def _bring_up(cluster: Cluster, world: World, release: str, by: str, settings: Settings) -> Color:
    """Install *release* as the preview and prove it, as a promotion does. Takes as long as its pods take."""
    must_know_helm(world, cluster.namespace.environment.name)
    from azora.operations.promotion import preview  # noqa: PLC0415 - the fast path must not wait for Helm's modules
    from azora.operations.promotion.observer import SILENT  # noqa: PLC0415 - the fast path must not wait for Helm's modules

    context = _context(cluster, to_be_brought_up(cluster, release), by, settings)
    with held(cluster.namespace, by, preempt=True):
        preview.repair(context)
        color = cluster.look().preview
        preview.install_preview(context, SILENT)
        preview.prove(context, SILENT)
    return color


def _context(cluster: Cluster, release: Release, by: str, settings: Settings) -> Context:
    from azora.operations.promotion.factory import context_of  # noqa: PLC0415 - the fast path must not wait for Helm's modules

    return context_of(cluster.namespace.environment, release, run=by, settings=settings)


TRIES = 5
BRING_UP = "install a known-good release first: `azora rollback ENVIRONMENT NUMBER`, with a number from `azora status`"
NO_WAY_BACK = "a contract migration cannot be undone: fix forward and release the fix"


def point_at(
    cluster: Cluster,
    color: Color,
    *,
    by: str,
    kind: Literal["switch", "rollback"],
    release: str | None = None,
    why: str = "",
) -> Switch | None:
    """Switch users to *color*, preempting a running promotion; None when *color* is active already.

    Raises:
        Refused: the stack of *color* is not ready, was never proved here, or is older than a contract that ran; for a switch
            also, where the environment asks for approvals, that its release never had one, or that the environment is frozen.
    """
    began = datetime.now(UTC)
    with held(cluster.namespace, f"{kind} by {by}", preempt=True):
        entry = _switched(cluster, color, by, kind, release, why=why, began=began)
        if entry and kind == "rollback":
            seconds = (datetime.now(UTC) - began).total_seconds()
            cluster.record.write(rollback=LastRollback(at=began, seconds=seconds).model_dump_json())
        if entry:
            moved = f"users switch from {entry.came_from} to {entry.to}: release {shown(entry.release)} (switch {entry.number})"
            write_event(cluster.namespace, kind.capitalize(), moved, run=by)
        return entry


def _switched(
    cluster: Cluster,
    color: Color,
    by: str,
    kind: Literal["switch", "rollback"],
    release: str | None = None,
    *,
    why: str = "",
    began: datetime | None = None,
) -> Switch | None:
    """One compare-and-swap; looked at again when something else moved the Service in between."""
    for left in reversed(range(TRIES)):
        world = cluster.look()
        if world.service_version is None:
            raise BadInput(
                f"could not switch users of {cluster.namespace.environment.name}: the live Service does not exist",
                advice="release something first",
            )
        if world.active is color and not world.has_drifted:
            return None
        if reason := may_serve(world, color) or _runs_another(world, color, release):
            raise Refused(
                f"could not switch users of {cluster.namespace.environment.name} to {color}: {reason}",
                advice=NO_WAY_BACK if outdated(world, world.stack(color)) else BRING_UP,
            )
        if kind == "switch":
            must_be_approved(cluster, world, str(world.stack(color).release))
            must_not_be_frozen(cluster.namespace.environment.name, world, str(world.stack(color).release), by)
        entry = world.switch_to(world.stack(color), kind, by=by, at=datetime.now(UTC), came_from=world.active)
        try:
            writing.switch(cluster, world, entry, why=why, began=began)
            cluster.point_preview_at(world.stack(color.other))
            return entry
        except Conflict:
            if not left:
                raise
    return None


def _runs_another(world: World, color: Color, release: str | None) -> str | None:
    """Why the stack of *color* is not what was meant; None where it runs *release*, or nothing was named."""
    found = world.stack(color).release
    return f"the {color} stack runs {shown(found)} now, not {shown(release)}" if release not in {None, found} else None


def must_be_approved(cluster: Cluster, world: World, release: str) -> None:
    """Raise Refused for a release without an earlier approval, where the environment needs one."""
    environment = cluster.namespace.environment
    if environment.approval is None or was_approved(world, release):
        return
    raise Refused(
        f"could not switch users of {environment.name} to release {shown(release)}: it has no approval here",
        advice=f"request an approval: `azora deploy {environment.name} COMMIT`, or the flow that releases it",
    )


def to_be_brought_up(cluster: Cluster, id_: str) -> Release:
    """The release that a rollback goes to and that no color runs.

    Raises:
        BadInput: it is not remembered here.
        Refused: it is older than a contract that ran.
    """
    release = cluster.record.release(id_)
    if reason := may_be_installed(cluster.look(), release):
        raise Refused(
            f"could not roll {cluster.namespace.environment.name} back to {release.title}: {reason}", advice=NO_WAY_BACK
        )
    return release
