"""Figures of a switch's receipt, for pages."""

from __future__ import annotations

from azora.core.cluster.record import Receipt


def receipt_rows(found: Receipt) -> list[tuple[str, str]]:
    """Name and figure of what *found* counted."""
    return [
        ("sent", str(found.total)),
        ("failed", str(found.failed)),
        ("first on the new color", _after(found.first_on_new_seconds)),
        ("last on the old color", _after(found.last_on_old_seconds)),
        ("p50", _within(found.p50_ms)),
        ("p99", _within(found.p99_ms)),
    ]


def _after(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{abs(seconds):.3f} s {'after' if seconds >= 0 else 'before'} the switch"


def _within(milliseconds: float | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds:.0f} ms"
