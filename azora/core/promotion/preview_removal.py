"""Removal of a preview by `approval.preview: remove`: never of what anybody may use."""

from __future__ import annotations

from datetime import datetime

from azora.core.cluster.record import PreviewRecord
from azora.core.cluster.state import World
from azora.core.release.release import shown


def why_kept(world: World, preview: PreviewRecord, now: datetime) -> str | None:
    """Reason to keep *preview*, whose run is over; None when it may be removed."""
    stack = world.stack(preview.color)
    if world.active is preview.color or world.has_drifted:
        return f"users reach {preview.color}, or the live Service was changed manually"
    if stack.release not in {None, preview.release}:
        return f"{preview.color} runs another release: {shown(stack.release)}"
    if stack.release and stack.release == _served(world, preview):
        return f"users were on it, and a rollback returns to it: {shown(stack.release)}"
    return _needed(world, preview, now)


def _served(world: World, preview: PreviewRecord) -> str | None:
    """Release that users had in the color of *preview* last."""
    return next((switch.release for switch in reversed(world.switches) if switch.to is preview.color), None)


def _needed(world: World, preview: PreviewRecord, now: datetime) -> str | None:
    """Run that waits with the release of *preview*, or goes on with it by an approval."""
    used = {switch.approval for switch in world.switches}
    waiting = [
        one.run for one in world.questions if one.release == preview.release and one.until > now and not one.replaced
    ]
    approved = [
        yes.run
        for yes in world.approvals
        if yes.release == preview.release and not yes.ended and now < yes.expires_at and yes.id not in used
    ]
    return next((f"run {run} may go on with it" for run in (*waiting, *approved)), None)
