"""Requests to sibling services: short time limits, one retry where harmless, the request id passed on."""

from __future__ import annotations

import asyncio
import ssl
import time
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import Request, Response

from common.logs import request_id
from common.problems import Problem
from common.settings import ServiceSettings

# Shorter than a service drains, so that we close an idle connection before a stopping sibling does.
_IDLE_SECONDS = 2.0
# Before the one repetition: a pod that has just gone is out of its Service by then.
_PAUSE_SECONDS = 0.1
_REPEATABLE = {"GET", "HEAD", "PUT", "DELETE"}
_REQUEST_HEADERS = ("accept", "authorization", "content-type", "stripe-signature")
_ANSWER_HEADERS = ("cache-control", "content-type", "retry-after", "www-authenticate")


def _headers() -> dict[str, str]:
    return {"x-request-id": request_id.get()} if request_id.get() else {}


@cache
def _certificates() -> ssl.SSLContext:
    """Whom to trust, for siblings behind https: read once, it takes longer than all else about a client."""
    return httpx.create_ssl_context(trust_env=False)


def _options(settings: ServiceSettings) -> dict[str, Any]:
    size = settings.sibling_pool_size
    return {
        "timeout": httpx.Timeout(settings.sibling_timeout_seconds, connect=2.0, pool=5.0),
        "limits": httpx.Limits(
            max_connections=size, max_keepalive_connections=max(1, size // 5), keepalive_expiry=_IDLE_SECONDS
        ),
        "trust_env": False,
        "verify": _certificates(),
    }


def _worth_repeating(method: str, error: httpx.TransportError) -> bool:
    """Return True when the request may be sent again.

    Either nothing was sent yet, or the connection broke and a second request does no harm.
    """
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return True
    return method in _REPEATABLE and isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError))


class AsyncSibling:
    """A sibling, asked from async code."""

    def __init__(self, base_url: str, settings: ServiceSettings) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, **_options(settings))

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        json: object = None,
        params: str | None = None,
    ) -> httpx.Response:
        """The answer; what is safe to repeat is repeated once when the connection breaks.

        Raises:
            httpx.TransportError: it does not answer.
        """
        request = self._client.build_request(
            method, path, headers={**_headers(), **(headers or {})}, content=content, json=json, params=params
        )
        try:
            return await self._client.send(request)
        except httpx.TransportError as error:
            if not _worth_repeating(method, error):
                raise
            await asyncio.sleep(_PAUSE_SECONDS)
            return await self._client.send(request)

    async def forward(self, request: Request, path: str) -> Response:
        """*request* as it came, sent to *path* of the sibling, and its answer. Cookies stay here."""
        if ".." in path.split("/"):  # would be resolved on the way, out of what is meant to be in reach
            raise Problem(404, "not_found", "Not Found")
        answer = await self.request(
            request.method,
            quote(path),
            headers={name: request.headers[name] for name in _REQUEST_HEADERS if name in request.headers},
            content=await request.body(),
            params=request.url.query or None,
        )
        headers = {name: answer.headers[name] for name in _ANSWER_HEADERS if name in answer.headers}
        return Response(answer.content, answer.status_code, headers)

    async def close(self) -> None:
        await self._client.aclose()


class Sibling:
    """A sibling, asked from a thread."""

    def __init__(self, base_url: str, settings: ServiceSettings) -> None:
        self._client = httpx.Client(base_url=base_url, **_options(settings))

    def get(self, path: str, token: str | None = None) -> httpx.Response:
        """The answer to a GET, on behalf of the person *token* belongs to.

        Raises:
            httpx.TransportError: it does not answer.
        """
        headers = {**_headers(), **({"authorization": f"Bearer {token}"} if token else {})}
        try:
            return self._client.get(path, headers=headers)
        except httpx.TransportError as error:
            if not _worth_repeating("GET", error):
                raise
            time.sleep(_PAUSE_SECONDS)
            return self._client.get(path, headers=headers)

    def close(self) -> None:
        self._client.close()
