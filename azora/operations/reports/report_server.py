"""Report server: files of the runs for people who have its login, or a signed address of one file."""

from __future__ import annotations

import mimetypes
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from azora.core.auth import authorization
from azora.core.signed_links import is_signed
from azora.host.plain_files import entries_of, is_folder, open_plain, opened_plain, parts_of
from azora.operations.reports import pages
from azora.operations.reports.index import index
from azora.operations.reports.receiving import forget_unfinished, receive

MEMORY = """<script>for (const name of ["sessionStorage", "localStorage"]) {
  const kept = new Map()
  Object.defineProperty(window, name, {value: {
    getItem: key => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, String(value)), removeItem: key => kept.delete(key)}})
}</script>"""
ASKS = {"WWW-Authenticate": 'Basic realm="Azora reports", charset="UTF-8"'}
NO_LOGIN = "The reports need a user and a password: AZORA_REPORTS_AUTH_STRING of this server. On the embedded node `azora local password` prints both, separated by a colon. A link that has expired needs them too.\n"
HTML_BYTES = 50_000_000
"""A larger page is sent as it is: it is not read into memory for a few lines of script."""


@dataclass(frozen=True)
class Access:
    """Secrets that open the reports, and the origin of the trace viewer.

    The viewer reads by signed address alone."""

    auth_string: str = field(repr=False)
    key: str = field(repr=False)
    viewer_origin: str = ""
    takes_uploads: bool = False

    def has_login(self, request: Request) -> bool:
        given = request.headers.get("Authorization", "").encode()
        return compare_digest(given, authorization(self.auth_string).encode())

    def is_signed(self, request: Request) -> bool:
        path = f"/{request.path_params['path']}"
        return is_signed(self.key, path, request.query_params, now=datetime.now(UTC))

    def readers(self, *, signed: bool) -> dict[str, str]:
        """Headers for a browser: pages of other origins that may use the answer.

        A browser adds the login to whatever a page requests here; a signature it does not.
        """
        if not signed:
            return {"Cross-Origin-Resource-Policy": "same-origin"}
        shared = {"Access-Control-Allow-Origin": self.viewer_origin, "Vary": "Origin"} if self.viewer_origin else {}
        return {"Cross-Origin-Resource-Policy": "cross-origin", **shared}


def report_server(folder: Path, access: Access) -> Starlette:
    """Application that shows the index of *folder*, and what is in it.

    A folder with an index.html shows that, another one its list.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def show(request: Request) -> Response:
        signed = access.is_signed(request)
        if not signed and not access.has_login(request):
            return PlainTextResponse(NO_LOGIN, HTTPStatus.UNAUTHORIZED, ASKS)
        path = request.path_params["path"]
        response = _found(folder, path) if path else listed(index(folder, _number(request)))
        response.headers.update(access.readers(signed=signed))
        return response

    async def take(request: Request) -> Response:
        return await receive(request, folder, access.key)

    forget_unfinished(folder)
    uploads = [Route("/{path:path}", take, methods=["PUT"])] if access.takes_uploads else []
    return Starlette(routes=[Route("/{path:path}", show), *uploads])


def _number(request: Request) -> int:
    """Return the page of the index that is requested, from 1."""
    given = request.query_params.get("page", "")
    return int(given) if re.fullmatch("[1-9][0-9]{0,5}", given) else 1


def _found(root: Path, path: str) -> Response:
    parts = parts_of(path)
    descriptor = None if parts is None else open_plain(root, parts)
    if parts is None or descriptor is None:
        return PlainTextResponse("Not found\n", HTTPStatus.NOT_FOUND)
    if not is_folder(descriptor):
        return _file(descriptor, parts[-1])
    try:
        if path and not path.endswith("/"):
            return RedirectResponse(f"/{quote('/'.join(parts))}/")
        with opened_plain(root, [*parts, "index.html"]) as index:
            if index is not None and not is_folder(index):
                return _file(os.dup(index), "index.html")
        return listed(pages.listing(f"Reports {path}".strip(), entries_of(descriptor)))
    finally:
        os.close(descriptor)


def listed(page: str) -> Response:
    """Response with a page of our own."""
    return HTMLResponse(page, headers={"Content-Security-Policy": pages.POLICY, "X-Content-Type-Options": "nosniff"})


def _file(descriptor: int, name: str) -> Response:
    """Response with a file of a commit's tests, whose scripts reach nothing else of ours.

    Pages of pytest-html remember in the browser how they were sorted: they get a memory of their own for that.
    """
    kind = mimetypes.guess_type(name)[0] or "text/plain"
    response: Response
    if kind == "text/html" and os.fstat(descriptor).st_size <= HTML_BYTES:
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
            response = HTMLResponse(file.read().replace("<head>", f"<head>{MEMORY}", 1))
    else:
        response = _OpenedFile(descriptor, kind)
    response.headers["Content-Security-Policy"] = "sandbox allow-scripts allow-popups allow-downloads"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


class _OpenedFile(FileResponse):
    """File that is open already: its name may lead elsewhere by now."""

    def __init__(self, descriptor: int, media_type: str) -> None:
        super().__init__(f"/proc/self/fd/{descriptor}", media_type=media_type, stat_result=os.fstat(descriptor))
        self._descriptor = descriptor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            os.close(self._descriptor)
