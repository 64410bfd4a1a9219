"""The report server: the files of `<state>/runs` on loopback, folders as lists of links."""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from azora.settings import settings

FOLDER = settings().runs_folder
FOLDER.mkdir(parents=True, exist_ok=True)


def listing(folder: Path, title: str) -> str:
    """What is in *folder*, newest first, as a page."""
    entries = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    names = [path.name + ("/" if path.is_dir() else "") for path in entries if not path.name.startswith(".")]
    links = (
        "\n".join(f'<li><a href="{quote(name)}">{escape(name)}</a></li>' for name in names) or "<li>nothing yet</li>"
    )
    return f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><h1>{escape(title)}</h1><ul>\n{links}\n</ul></html>"


async def page(request: Request) -> Response:
    """A folder with an index.html shows that, another one its list; anything else is a file."""
    path = request.path_params.get("path", "")
    asked = (FOLDER / path).resolve()
    if asked.is_dir() and asked.is_relative_to(FOLDER.resolve()) and not (asked / "index.html").is_file():
        if path and not path.endswith("/"):
            return RedirectResponse(f"/{quote(path)}/")
        return HTMLResponse(listing(asked, f"Reports {path}".strip()))
    return await files.get_response(path or ".", request.scope)


files = StaticFiles(directory=FOLDER, html=True)
app = Starlette(routes=[Route("/{path:path}", page)])
