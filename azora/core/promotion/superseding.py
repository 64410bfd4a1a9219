"""Superseding: of the requests that wait in an environment, the one whose run began last goes on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from azora.core.cluster.record import Question, Replacement


def superseded(questions: Iterable[Question], now: datetime) -> list[Question]:
    """Requests that wait and began before the newest one, each with what replaces it.

    A request whose time is over, or that gave way before, replaces none.
    """
    waiting = [one for one in questions if one.replaced is None and one.until > now]
    if not waiting:
        return []
    newest = max(waiting, key=lambda one: (one.began_at, one.run))
    by = Replacement(run=newest.run, release=newest.release, title=newest.title)
    return [one.model_copy(update={"replaced": by}) for one in waiting if one is not newest]
