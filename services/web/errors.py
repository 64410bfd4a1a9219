"""Errors as pages; under /api as problems."""

from __future__ import annotations

import logging
from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from common.problems import problem
from web.platform import Refused, Unavailable
from web.site import Site, go

log = logging.getLogger(__name__)

_UNAVAILABLE = "A part of the platform does not answer right now. Nothing you did is lost; try again in a moment."


def _answer(request: Request, status: int, detail: str) -> Response:
    if request.url.path.startswith("/api/"):
        return problem(status, HTTPStatus(status).name.lower(), detail)
    site: Site = request.app.state.site
    title = "Not found" if status == HTTPStatus.NOT_FOUND else HTTPStatus(status).phrase
    return site.page(request, "error.html", visitor=None, status=status, title=title, detail=detail)


async def on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    found = "There is no such page." if error.status_code == HTTPStatus.NOT_FOUND else str(error.detail)
    return _answer(request, error.status_code, found)


async def on_invalid(request: Request, _: Exception) -> Response:
    return _answer(request, 422, "The address is not valid.")


async def on_refused(request: Request, error: Exception) -> Response:
    """Send a visitor who has to log in to the login page, and back afterwards."""
    assert isinstance(error, Refused)
    if error.status == HTTPStatus.UNAUTHORIZED:
        return go(f"/login?next={quote(_page_of(request))}")
    return _answer(request, error.status, error.detail)


async def on_unavailable(request: Request, _: Exception) -> Response:
    return _answer(request, 503, _UNAVAILABLE)


async def on_failed(request: Request, error: Exception) -> Response:
    log.error("request failed", exc_info=error)
    return _answer(request, 500, "Something broke on our side, and we know. Try again in a moment.")


def _page_of(request: Request) -> str:
    """The page that the request belongs to: what a form was sent to is not one."""
    if request.method == "GET":
        return request.url.path
    course = request.url.path.removeprefix("/cart/").removeprefix("/courses/").removesuffix("/enroll")
    return f"/courses/{course}" if "/" not in course else "/"


HANDLERS = {
    HTTPException: on_http_error,
    RequestValidationError: on_invalid,
    Refused: on_refused,
    Unavailable: on_unavailable,
    Exception: on_failed,
}
