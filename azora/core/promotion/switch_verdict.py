"""The verdict on a switch: what its probe and its pods show."""

from __future__ import annotations

from azora.core.checks.probe_result import ProbeResult
from azora.core.cluster.record import Receipt, Switch
from azora.core.cluster.state import Stack


def receipt_of(entry: Switch, probed: ProbeResult, reason: str | None) -> Receipt:
    """Receipt of the switch *entry* by what *probed* counted; seconds are after the switch."""
    first = probed.first_on(str(entry.to))
    last = probed.last_on(str(entry.came_from)) if entry.came_from else None
    at = entry.at.timestamp()
    return Receipt(
        number=entry.number,
        verdict="bad" if reason else "good",
        reason=reason or "",
        total=probed.total,
        failed=probed.failed,
        first_on_new_seconds=round(first - at, 3) if first else None,
        last_on_old_seconds=round(last - at, 3) if last else None,
        p50_ms=probed.all.p50_ms,
        p99_ms=probed.all.p99_ms,
    )


def pods_ready(stack: Stack) -> tuple[int, int]:
    return sum(stack.ready.values()), sum(stack.wanted.values())


def unready(stack: Stack) -> str | None:
    if stack.is_ready:
        return None
    ready, wanted = pods_ready(stack)
    return f"{ready} of {wanted} pods of {stack.color} are ready"


def failure(probed: ProbeResult, entry: Switch, stack: Stack) -> str | None:
    """Reason to roll back the new color, from *probed* around *entry* and the pods; None without failures."""
    if probed.failed:
        return f"requests failed around the switch: {probed.summary(entry.at.timestamp())}"
    return unready(stack)
