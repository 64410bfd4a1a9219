"""Send requests at a fixed rate whatever comes back, as users do, and tell what became of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from azora.config.application import COLOR_HEADER
from azora.core.checks.probe_result import ProbedRequest
from azora.errors import BadInput

FAILING_STATUS = 400
REDIRECTS = range(300, 400)
SHOWN_LETTERS = 80
LONGEST_HEADER_BYTES = 65536  # browsers take more; a Content-Security-Policy has often more than aiohttp's 8190
CLOSED = "closed without a response"
# Several, or all kept-alive requests would be one client's, on one pod.
KEPT_CONNECTIONS = 8
MOST_WAITING = 2000
LONGEST_SLEEP_SECONDS = 0.05


@dataclass(frozen=True)
class Target:
    """Target of a request: its `address`, and the `host` in the request; they differ without DNS."""

    address: str
    host: str
    server_name: str | None

    @classmethod
    def of(cls, url: str, connect: str | None, path: str | None) -> Target:
        """*connect* (host:port) is dialled in place of *url*'s host; *path* replaces *url*'s. Raises BadInput."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(
                f"could not probe {url!r}: not an http:// or https:// address", advice="write http://HOST:PORT"
            )
        asked = path or (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        address = f"{parts.scheme}://{connect or parts.netloc}{asked}"
        return cls(address, parts.netloc, parts.hostname if parts.scheme == "https" else None)


@dataclass(frozen=True)
class Expected:
    """Rule for an answer of the application; *strictly*: no redirect, and the header of its color."""

    color_header: str | None = COLOR_HEADER
    strictly: bool = False

    def failure(self, status: int, headers: Mapping[str, str]) -> str | None:
        """Why an answer is a failed request; None for a good one."""
        if status >= FAILING_STATUS:
            return f"HTTP {status}"
        if self.strictly and status in REDIRECTS:
            return f"HTTP {status} to {headers.get('Location', 'nowhere')[:SHOWN_LETTERS]}"
        if self.strictly and self.color_header and self.color_header not in headers:
            return f"HTTP {status} without {self.color_header}"
        return None

    def color(self, headers: Mapping[str, str]) -> str | None:
        return headers.get(self.color_header) if self.color_header else None


class OpenLoop:
    """Send requests to *target* on schedule, however slow the answers are; pass each Sample to *seen*.

    A GET on a kept-alive connection that was closed before any answer is sent again once, as browsers do (RFC 9110,
    9.2.2): such a sample is marked `resent`.
    """

    def __init__(
        self,
        target: Target,
        seen: Callable[[ProbedRequest], None],
        *,
        timeout_seconds: float,
        fresh: bool | None,
        expected: Expected,
        headers: Mapping[str, str],
    ) -> None:
        self._target = target
        self._expected = expected
        self._headers = {**headers, "Host": target.host}
        self._seen = seen
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._sorts = (True, False) if fresh is None else (fresh,)
        self._waiting: set[asyncio.Task[None]] = set()
        self.unsent = 0

    async def run(self, rate_per_second: float, stopped: Callable[[], bool]) -> None:
        """Until *stopped* says so; then wait for the answers that are still due."""
        clock = asyncio.get_running_loop().time
        async with self._sessions() as (fresh, kept):
            began, due = clock(), 0
            while not stopped():
                while due <= (clock() - began) * rate_per_second:
                    is_fresh = self._sorts[due % len(self._sorts)]
                    session = fresh if is_fresh else kept[due // len(self._sorts) % len(kept)]
                    self._send(session, is_fresh)
                    due += 1
                await asyncio.sleep(min(max(began + due / rate_per_second - clock(), 0), LONGEST_SLEEP_SECONDS))
            if self._waiting:
                await asyncio.wait(self._waiting)

    @asynccontextmanager
    async def _sessions(self) -> AsyncIterator[tuple[aiohttp.ClientSession, list[aiohttp.ClientSession]]]:
        async with AsyncExitStack() as stack:
            sessions = [
                self._session(force_close=True),
                *(self._session(force_close=False) for _ in range(KEPT_CONNECTIONS)),
            ]
            for session in sessions:
                await stack.enter_async_context(session)
            yield sessions[0], sessions[1:]

    def _session(self, *, force_close: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=0, force_close=force_close)
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_create_start.append(_attempt_on_new)
        tracing.on_connection_reuseconn.append(_attempt_on_kept)
        return aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[tracing],
            auto_decompress=False,  # nobody reads the body
            max_field_size=LONGEST_HEADER_BYTES,
            max_line_size=LONGEST_HEADER_BYTES,
        )

    def _send(self, session: aiohttp.ClientSession, fresh: bool) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self.unsent += 1
            return
        task = asyncio.get_running_loop().create_task(self._request(session, fresh))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _request(self, session: aiohttp.ClientSession, fresh: bool) -> None:
        attempts = SimpleNamespace(kept=[])
        at, began = time.time(), time.perf_counter()
        color, failure = await self._asked(session, attempts)
        resent = len(attempts.kept) > 1
        if resent and not attempts.kept[0]:  # aiohttp sends those again too; a browser does not
            failure = failure or CLOSED
        self._seen(ProbedRequest(at, time.perf_counter() - began, color, failure, fresh, resent))

    async def _asked(self, session: aiohttp.ClientSession, attempts: SimpleNamespace) -> tuple[str | None, str | None]:
        try:
            async with session.get(
                self._target.address,
                headers=self._headers,
                server_hostname=self._target.server_name,
                allow_redirects=False,
                trace_request_ctx=attempts,
            ) as answer:
                await answer.read()
                return self._expected.color(answer.headers), self._expected.failure(answer.status, answer.headers)
        except Exception as error:  # any other would be lost in its task, and the request not counted
            return None, kind_of(error)


async def _attempt_on_new(_session: aiohttp.ClientSession, context: SimpleNamespace, _: Any) -> None:  # noqa: ANN401
    context.trace_request_ctx.kept.append(False)


async def _attempt_on_kept(_session: aiohttp.ClientSession, context: SimpleNamespace, _: Any) -> None:  # noqa: ANN401
    context.trace_request_ctx.kept.append(True)


def kind_of(error: BaseException) -> str:
    """A failed request in a word or two."""
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, aiohttp.ClientResponseError):  # a header that is too long, with its beginning
        return f"unreadable response: {' '.join(error.message.split())[:SHOWN_LETTERS]}"
    cause = getattr(error, "os_error", error)
    known = {
        ConnectionRefusedError: "connection refused",
        ConnectionResetError: "connection reset",
        aiohttp.ServerDisconnectedError: CLOSED,
        aiohttp.ClientPayloadError: "response cut short",
    }
    return next((word for kind, word in known.items() if isinstance(cause, kind)), type(cause).__name__)
