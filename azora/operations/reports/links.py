"""Addresses of a run's files on the report server."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

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


def viewer_link(viewer_url: str, trace: str) -> str:
    """Address at which the viewer shows *trace*, a signed address."""
    return f"{viewer_url.rstrip('/')}/?trace={quote(trace, safe='')}"


def origin_of(url: str) -> str:
    """Scheme, host and port of *url*, as a browser writes them in the header `Origin`."""
    parts = urlsplit(url)
    port = parts.port if parts.port != {"http": 80, "https": 443}.get(parts.scheme) else None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"
