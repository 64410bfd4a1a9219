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


def serving(folder: Path) -> Starlette:
    """A folder with an index.html shows that, another one its list; anything else is a file."""
    folder.mkdir(parents=True, exist_ok=True)
    files = StaticFiles(directory=folder, html=True)

    async def page(request: Request) -> Response:
        path = request.path_params["path"]
        return listed(folder, path) or await files.get_response(path or ".", request.scope)

    return Starlette(routes=[Route("/{path:path}", page)])


def listed(root: Path, path: str) -> Response | None:
    """The list of a folder below *root* that has no page of its own; None for anything else."""
    folder = (root / path).resolve()
    if not folder.is_dir() or not folder.is_relative_to(root.resolve()) or (folder / "index.html").is_file():
        return None
    if path and not path.endswith("/"):
        return RedirectResponse(f"/{quote(path)}/")
    return HTMLResponse(listing(folder, f"Reports {path}".strip()))


def listing(folder: Path, title: str) -> str:
    """What is in *folder*, newest first, as a page."""
    entries = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    names = [path.name + ("/" if path.is_dir() else "") for path in entries if not path.name.startswith(".")]
    links = "\n".join(f'<li><a href="{quote(name)}">{escape(name)}</a></li>' for name in names)
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
    return f"{head}<h1>{escape(title)}</h1><ul>\n{links or '<li>nothing yet</li>'}\n</ul></html>"


def app() -> Starlette:
    """For uvicorn: this machine's node."""
    return serving(settings().runs_folder)
