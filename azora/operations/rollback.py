"""Roll back and switch by hand, whole: find the target, bring it up when it is not, move users, then book it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from azora.config.environment import Environment
from azora.config.settings import settings
from azora.core.cluster.record import Switch
from azora.core.colors import Color
from azora.core.promotion.rollback_target import target_of
from azora.core.release.release import Release
from azora.errors import AzoraError, Refused
from azora.gateways.kubernetes.cluster import Cluster, connect
from azora.gateways.kubernetes.lease import held
from azora.operations.traffic import must_be_approved, point_at, to_be_brought_up

if TYPE_CHECKING:
    from azora.operations.promotion.promotion import Promotion


def switch_users(environment: Environment, color: Color, *, by: str) -> Switch | None:
    """Send users to *color*; None when they are there already. Raises Refused when it may not serve."""
    return point_at(connect(environment, settings()), color, by=by, kind="switch")


def roll_back(environment: Environment, revision: int | None, *, by: str) -> Switch:
    """Send users back: at once while the old stack is up, else after the known-good release was brought up again.

    Raises:
        Refused: users are there or went back already, or the target may not serve; also, of a numbered one, that nobody approved
            its release here.
    """
    cluster = connect(environment, settings())
    world = cluster.look()
    target = target_of(environment.name, world, revision)
    release = str(world.stack(target).release) if isinstance(target, Color) else target
    if revision is not None:
        must_be_approved(cluster, world, release)
    color = target if isinstance(target, Color) else _bring_up(cluster, target, by)
    entry = point_at(cluster, color, by=by, kind="rollback", release=release)
    if entry is None:
        raise Refused(
            f"could not roll {environment.name} back: its users are on {color} already", advice="see `azora status`"
        )
    return entry


def moved_by(environment: Environment, by: str) -> Switch | None:
    """The last switch, where *by* made it and users are still there.

    A run that tries again must not move users twice: what failed may have failed after the switch.
    """
    world = connect(environment, settings()).look()
    last = world.last_switch
    return last if last and last.by == by and not world.strayed else None


def book(environment: Environment, *, by: str) -> None:
    """Let Helm's record follow what users reach. No traffic depends on it: where it fails, the next promotion books."""
    cluster = connect(environment, settings())
    with suppress(AzoraError), held(cluster, by):
        _promotion(cluster, cluster.running(), by).book()


def _bring_up(cluster: Cluster, release: str, by: str) -> Color:
    """Install *release* as the preview and prove it, as a promotion does. Takes as long as its pods take."""
    promotion = _promotion(cluster, to_be_brought_up(cluster, release), by)
    with held(cluster, by, preempt=True):
        promotion.repair()
        color = cluster.look().preview
        promotion.install_preview(lambda _ready, _wanted: None)
        promotion.prove(lambda _result: None)
    return color


def _promotion(cluster: Cluster, release: Release, by: str) -> Promotion:
    from azora.operations.promotion.factory import promotion_of  # noqa: PLC0415 - the fast path must not wait for Helm's modules

    return promotion_of(cluster.environment, release, run=by, settings=settings())
