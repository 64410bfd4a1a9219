"""Requests to sibling services: short time limits, one retry where repeating is harmless, the request id passed on."""

from __future__ import annotations

from urllib.parse import quote

import httpx
from fastapi import Request, Response

from common.logs import request_id
from common.problems import Problem
from common.settings import ServiceSettings

# Shorter than a service drains, so that we close an idle connection before a stopping sibling does.
_IDLE_SECONDS = 2.0
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=_IDLE_SECONDS)
_REPEATABLE = {"GET", "HEAD", "PUT", "DELETE"}
_REQUEST_HEADERS = ("accept", "authorization", "content-type", "stripe-signature")
_ANSWER_HEADERS = ("cache-control", "content-type", "retry-after", "www-authenticate")


def _headers() -> dict[str, str]:
    return {"x-request-id": request_id.get()} if request_id.get() else {}


def _timeout(settings: ServiceSettings) -> httpx.Timeout:
    return httpx.Timeout(settings.sibling_timeout_seconds, connect=2.0)


class AsyncSibling:
    """A sibling, asked from async code."""

    def __init__(self, base_url: str, settings: ServiceSettings) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=_timeout(settings), limits=_LIMITS, trust_env=False)

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
        except httpx.ConnectError:
            return await self._client.send(request)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
            if method not in _REPEATABLE:
                raise
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
        self._client = httpx.Client(base_url=base_url, timeout=_timeout(settings), limits=_LIMITS, trust_env=False)

    def get(self, path: str, token: str | None = None) -> httpx.Response:
        """The answer to a GET, on behalf of the person *token* belongs to.

        Raises:
            httpx.TransportError: it does not answer.
        """
        headers = {**_headers(), **({"authorization": f"Bearer {token}"} if token else {})}
        try:
            return self._client.get(path, headers=headers)
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            return self._client.get(path, headers=headers)

    def close(self) -> None:
        self._client.close()
