"""Hooks around every flow: its log is kept, it sends signs of life, and its end is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tasks.approval import end_approvals
from tasks.heartbeat import begin_heartbeat, end_heartbeat
from tasks.logs import keep_log
from tasks.previews import remove_abandoned_previews
from tasks.questions import forget_stale_questions
from tasks.run_metrics import count_run


def watched(*at_its_end: Callable[..., None]) -> dict[str, Any]:
    """Hooks for a flow's decorator; *at_its_end* run before the count, except after a cancellation.

    A run that crashed was killed: its approval counts for the attempt that goes on with it.
    """
    ends = [end_heartbeat, *at_its_end, count_run]
    return {
        "on_running": [keep_log, begin_heartbeat, forget_stale_questions, remove_abandoned_previews],
        "on_completion": [end_approvals, remove_abandoned_previews, *ends],
        "on_failure": [end_approvals, remove_abandoned_previews, *ends],
        "on_crashed": ends,
        "on_cancellation": [end_heartbeat, end_approvals, remove_abandoned_previews, count_run],
    }
