"""Envelope of every answer: stack identity, request id, metrics, a log line, limits, draining."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.logs import request_fields, request_id
from common.metrics import Metrics
from common.problems import Problem, problem
from common.settings import ServiceSettings

log = logging.getLogger("access")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_OPERATIONAL = {"/healthz", "/readyz", "/metrics", "/version"}
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
]
# Unless the answer knows better: it loads nothing and nobody keeps it.
_STRICT = [
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]


@dataclass
class Lifecycle:
    """Draining state of this process: set by SIGTERM, read by readiness and by every answer."""

    draining: bool = False


class Envelope:
    """The outermost layer, so that even a crash's answer has the headers."""

    def __init__(self, app: ASGIApp, settings: ServiceSettings, metrics: Metrics) -> None:
        self.app = app
        self.lifecycle = Lifecycle()
        self._metrics = metrics
        self._max_body_bytes = settings.max_body_bytes
        self._headers = [
            (b"x-azora-color", settings.azora_color.encode()),
            (b"x-azora-release", settings.azora_release.encode()),
            *_SECURITY,
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # answered as GET; the server leaves the body out
            scope = {**scope, "method": "GET"}
        headers = Headers(scope=scope)
        identity = _accepted(headers.get("x-request-id"))
        request_id.set(identity)
        request_fields.set(
            {"http.request.id": identity, "http.request.method": scope["method"], "url.path": scope["path"]}
        )
        started, status, complete = time.perf_counter_ns(), 500, False

        async def send_enveloped(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *_strict(message.get("headers", [])),
                    *self._headers,
                    (b"x-request-id", identity.encode()),
                ]
                if self.lifecycle.draining:
                    message["headers"].append((b"connection", b"close"))
            await send(message)
            complete = message["type"] == "http.response.body" and not message.get("more_body")

        self._began(scope)
        try:
            if int(headers.get("content-length") or 0) > self._max_body_bytes:
                await problem(413, "too_large", "The request's body is too large.")(scope, receive, send_enveloped)
            else:
                await self.app(scope, _limited(receive, self._max_body_bytes), send_enveloped)
        except Exception:
            # One that was logged and answered stays here: the server would log it again, and cut the connection.
            if not (complete and status == 500):
                raise
        finally:
            self._ended(scope, status, time.perf_counter_ns() - started)

    def _began(self, scope: Scope) -> None:
        if scope["path"] not in _OPERATIONAL:
            self._metrics.began()

    def _ended(self, scope: Scope, status: int, nanoseconds: int) -> None:
        method, path = scope["method"], scope["path"]
        route = getattr(scope.get("route"), "path", "(none)")
        self._metrics.answered(method, route, status, nanoseconds / 1e9)
        if path in _OPERATIONAL:
            return
        self._metrics.ended()
        fields = {
            "event.duration": nanoseconds,
            "event.outcome": "failure" if status >= 500 else "success",
            "http.response.status_code": status,
            "labels.route": route,
        }
        log.info("%s %s %d", method, path, status, extra=fields)


def _strict(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in headers}
    return [*headers, *((name, value) for name, value in _STRICT if name not in given)]


def _accepted(given: str | None) -> str:
    return given if given and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _limited(receive: Receive, limit: int) -> Receive:
    """*receive*, refusing a body without a length once it grows past *limit* bytes."""
    taken = 0

    async def receive_limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise Problem(413, "too_large", "The request's body is too large.")
        return message

    return receive_limited
