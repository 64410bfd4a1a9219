"""Nightly runs, as literals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from azora.core.messages.nightly import (
    Figures,
)
from azora.core.messages.notifications import Night

AT = datetime(2026, 11, 24, 2, tzinfo=UTC)
NIGHT = Night(AT, True, "http://run/3", "c", run="3")
RED = Night(AT - timedelta(days=1), False, "http://run/2", "b", ("test web",), "could not test: a | b\nmore")
NIGHTS = [
    Figures(NIGHT, {"unit tests": 12.4, "promotion": 61}, 512, 0, 0.12),
    Figures(RED, {"unit tests": 3}),
]
