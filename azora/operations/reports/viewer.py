"""Playwright's trace viewer, on an origin of its own.

It shows a trace's pages, which a commit wrote, as documents of the viewer's origin. So nothing else is there: no report, no login.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from azora.errors import BadInput


def viewer() -> Starlette:
    """Application for the viewer's address: `/?trace=<signed address of trace.zip>`."""
    found = importlib.util.find_spec("playwright")
    if found is None or found.origin is None:
        raise BadInput("could not serve the trace viewer: playwright is not installed", advice="run bin/bootstrap")
    folder = Path(found.origin).parent / "driver/package/lib/vite/traceViewer"
    return Starlette(routes=[Mount("/", StaticFiles(directory=folder, html=True))])


def viewer_link(viewer_url: str, trace: str) -> str:
    """Address at which the viewer shows *trace*, a signed address."""
    return f"{viewer_url.rstrip('/')}/?trace={quote(trace, safe='')}"


def origin_of(url: str) -> str:
    """Scheme, host and port of *url*, as a browser writes them in the header `Origin`."""
    parts = urlsplit(url)
    port = parts.port if parts.port != {"http": 80, "https": 443}.get(parts.scheme) else None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"
