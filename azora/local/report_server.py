"""Report server: files of `<state>/runs` on loopback, folders as links, traces in Playwright's viewer.

It asks for the auth string, but not where a page of Prefect leads: the address of a file is signed there.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from datetime import UTC, datetime
from hmac import compare_digest
from html import escape
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from rich.filesize import decimal
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from azora.config.settings import settings
from azora.core.auth import authorization, signature
from azora.core.messages.foreign_text import line
from azora.errors import BadInput

MEMORY = """<script>for (const name of ["sessionStorage", "localStorage"]) {
  const kept = new Map()
  Object.defineProperty(window, name, {value: {
    getItem: key => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, String(value)), removeItem: key => kept.delete(key)}})
}</script>"""
ASKS = {"WWW-Authenticate": 'Basic realm="Azora reports", charset="UTF-8"'}


def serving(folder: Path, auth_string: str) -> Starlette:
    """A folder with an index.html shows that, another one its list; anything else is a file."""
    folder.mkdir(parents=True, exist_ok=True)
    files = StaticFiles(directory=folder, html=True)

    async def page(request: Request) -> Response:
        path = request.path_params["path"]
        if not lets_in(auth_string, request.headers, path, request.query_params):
            said = "The reports need a user and a password. `azora local password` prints both, separated by a colon.\n"
            return PlainTextResponse(said, HTTPStatus.UNAUTHORIZED, ASKS)
        return listed(folder, path) or apart(await files.get_response(path or ".", request.scope))

    return Starlette(routes=[*trace_viewer(), Route("/{path:path}", page)])


def lets_in(auth_string: str, headers: Mapping[str, str], path: str, query: Mapping[str, str]) -> bool:
    """Return True for a request with the auth string, or with an address that was signed with it."""
    knows = compare_digest(headers.get("Authorization", "").encode(), authorization(auth_string).encode())
    return knows or compare_digest(query.get("signature", "").encode(), signature(auth_string, f"/{path}").encode())


def apart(response: Response) -> Response:
    """Response with a file of a commit's tests, whose scripts reach nothing else of ours.

    Pages of pytest-html remember in the browser how they were sorted: they get a memory of their own for that.
    """
    if isinstance(response, FileResponse) and str(response.media_type).startswith("text/html"):
        text = Path(response.path).read_text(encoding="utf-8", errors="replace")
        response = HTMLResponse(text.replace("<head>", f"<head>{MEMORY}", 1))
    response.headers["Content-Security-Policy"] = "sandbox allow-scripts allow-popups allow-downloads"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def trace_viewer() -> list[BaseRoute]:
    """Playwright's pages for a trace: `/trace-viewer/?trace=<address of trace.zip>`.

    They hold nothing of ours.
    """
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
    """Page that lists *folder*, newest first."""
    entries = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    rows = "\n".join(_row(path) for path in entries if not path.name.startswith("."))
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style>"
    return f"{head}<h1>{escape(title)}</h1><table>\n{rows or '<tr><td>empty</td></tr>'}\n</table></html>"


def _row(path: Path) -> str:
    seen = path.stat()
    name = path.name + ("/" if path.is_dir() else "")
    size = "" if path.is_dir() else decimal(seen.st_size)
    changed = datetime.fromtimestamp(seen.st_mtime, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f'<tr><td><a href="{quote(name)}">{escape(line(name))}</a></td><td>{size}</td><td>{changed}</td></tr>'


def app() -> Starlette:
    """For uvicorn: this machine's node."""
    auth_string = settings().reports_auth_string.get_secret_value()
    if not auth_string:
        raise BadInput(
            "could not serve the reports: AZORA_REPORTS_AUTH_STRING is not set", advice="set it to a user:password"
        )
    return serving(settings().runs_folder, auth_string)
