"""Addresses of a run's files on the report server."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from azora.config.reports_key import reports_key
from azora.config.settings import Settings
from azora.core.signed_links import Kind, signed_query


def link(file: Path, settings: Settings) -> str:
    """Signed address of *file*: readers of a page may open it, and pictures show in the page."""
    return address(file, settings, lifetime=timedelta(days=settings.reports_link_days or settings.keep_reports_days))


def address(file: Path, settings: Settings, *, lifetime: timedelta, kind: Kind = Kind.READ) -> str:
    """Address of *file* that expires after *lifetime*; it is signed where there is a key."""
    inside = file.relative_to(settings.runs_folder) if file.is_relative_to(settings.runs_folder) else file
    path = f"/{str(inside).lstrip('/')}"
    plain, key = f"{settings.reports_url.rstrip('/')}{quote(os.fsencode(path))}", reports_key(settings)
    return f"{plain}?{signed_query(key, path, expires=datetime.now(UTC) + lifetime, kind=kind)}" if key else plain
