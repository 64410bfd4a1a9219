"""Retention of reports: folders of runs, and their removal by a server to which workers upload."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from azora.config.settings import Settings
from azora.core.retention import Item, Limit, decisions
from azora.errors import Failed
from azora.host.folders import finish_removals, folders_in, remove

BY_HAND = "by-hand"

log = logging.getLogger(__name__)


def run_folders(folder: Path) -> list[Item]:
    """Folders of runs in *folder*, and those of suites that somebody ran by hand."""
    of_runs = folders_in(folder, group="reports", by_content=True)
    by_hand = folders_in(folder, BY_HAND, group="reports", by_content=True)
    return [*(item for item in of_runs if item.name != BY_HAND), *by_hand]


def limit_of_reports(settings: Settings) -> Limit:
    return Limit(timedelta(days=settings.keep_reports_days), settings.keep_reports)


def remove_old_reports(settings: Settings) -> list[str]:
    """Remove what the limits allow; a server by itself has no record that would need a report longer."""
    folder, floor = settings.runs_folder, timedelta(hours=settings.keep_at_least_hours)
    for trouble in finish_removals(folder):
        log.warning("%s", trouble)
    decided = decisions(run_folders(folder), limit_of_reports(settings), now=datetime.now(UTC), floor=floor, needs={})
    return [one.item.name for one in decided if one.goes and _removed(folder / one.item.name)]


def _removed(folder: Path) -> bool:
    """Remove *folder*; one that stays is a warning, and keeps no other."""
    try:
        return remove(folder)
    except Failed as error:
        log.warning("%s", error.message)
        return False
