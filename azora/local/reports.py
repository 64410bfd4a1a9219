"""The report server: the files of `<state>/runs` on loopback, folders as lists of links, traces in Playwright's viewer."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import quote

from rich.filesize import decimal
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from azora.settings import settings


def serving(folder: Path) -> Starlette:
    """A folder with an index.html shows that, another one its list; anything else is a file."""
    folder.mkdir(parents=True, exist_ok=True)
    files = StaticFiles(directory=folder, html=True)

    async def page(request: Request) -> Response:
        path = request.path_params["path"]
        return listed(folder, path) or await files.get_response(path or ".", request.scope)

    return Starlette(routes=[*trace_viewer(), Route("/{path:path}", page)])


def trace_viewer() -> list[BaseRoute]:
    """Playwright's own pages for a trace: `/trace-viewer/?trace=<address of trace.zip>`."""
    found = importlib.util.find_spec("playwright")
    folder = Path(found.origin).parent / "driver/package/lib/vite/traceViewer" if found and found.origin else None
    return [Mount("/trace-viewer", StaticFiles(directory=folder, html=True))] if folder and folder.is_dir() else []


def listed(root: Path, path: str) -> Response | None:
    """The list of a folder below *root* that has no page of its own; None for anything else."""
    folder = (root / path).resolve()
    if not folder.is_dir() or not folder.is_relative_to(root.resolve()) or (folder / "index.html").is_file():
        return None
    if path and not path.endswith("/"):
        return RedirectResponse(f"/{quote(path)}/")
    return HTMLResponse(listing(folder, f"Reports {path}".strip()))


STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% }
td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #8884 }
td + td { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; opacity: .75 }
"""


def listing(folder: Path, title: str) -> str:
    """What is in *folder*, newest first, as a page."""
    entries = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    rows = "\n".join(_row(path) for path in entries if not path.name.startswith("."))
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style>"
    return f"{head}<h1>{escape(title)}</h1><table>\n{rows or '<tr><td>nothing yet</td></tr>'}\n</table></html>"


def _row(path: Path) -> str:
    seen = path.stat()
    name = path.name + ("/" if path.is_dir() else "")
    size = "" if path.is_dir() else decimal(seen.st_size)
    changed = datetime.fromtimestamp(seen.st_mtime, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f'<tr><td><a href="{quote(name)}">{escape(name)}</a></td><td>{size}</td><td>{changed}</td></tr>'


def app() -> Starlette:
    """For uvicorn: this machine's node."""
    return serving(settings().runs_folder)
