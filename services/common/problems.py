"""Errors as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from common.logs import request_id

log = logging.getLogger(__name__)


class Problem(HTTPException):
    """An error that a caller can tell from others by its *code*."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.code = code


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    """The answer that says what went wrong."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id.get(),
        **more,
    }
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)
    code = error.code if isinstance(error, Problem) else HTTPStatus(error.status_code).name.lower()
    return problem(error.status_code, code, str(error.detail), dict(error.headers or {}))


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Names fields and rules, never the values: they may be passwords or card numbers."""
    assert isinstance(error, RequestValidationError)
    errors = [{"field": ".".join(str(part) for part in e["loc"][1:]), "message": e["msg"]} for e in error.errors()]
    return problem(422, "invalid", "The request is not valid.", errors=errors)


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    log.warning("a dependency did not answer", extra={"error.type": type(error).__name__})
    return problem(503, "unavailable", "A part of the platform does not answer. Try again.", {"Retry-After": "1"})


async def _failed(_: Request, error: Exception) -> JSONResponse:
    log.error("request failed", exc_info=error)
    return problem(500, "failed", "The request could not be answered.")


def answer_with_problems(app: FastAPI, unavailable: Iterable[type[Exception]]) -> None:
    """Turn every error of *app* into a problem; those in *unavailable* are a dependency that is away."""
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _failed)
    for kind in unavailable:
        app.add_exception_handler(kind, _unavailable)
