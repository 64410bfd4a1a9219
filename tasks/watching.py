"""What every flow has around it: its lines are kept from its beginning, and its end is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tasks.counting import count_run
from tasks.logs import keep_log


def watched(*at_its_end: Callable[..., None]) -> dict[str, Any]:
    """Hooks for a flow's decorator; *at_its_end* come before the count, however it ended, unless a person cancelled it."""
    ends = [*at_its_end, count_run]
    return {
        "on_running": [keep_log],
        "on_completion": ends,
        "on_failure": ends,
        "on_crashed": ends,
        "on_cancellation": [count_run],
    }
