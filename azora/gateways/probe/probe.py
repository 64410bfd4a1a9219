"""The probe: a stand-in for users, in a thread beside a promotion or as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from azora.config.application import COLOR_HEADER
from azora.core.checks.probe_result import ProbedRequest, ProbeResult, RequestCounter, to_json
from azora.errors import Failed
from azora.host.priority import go_first
from azora.host.writes import System, writing

REQUEST_TIMEOUT_SECONDS = 5.0
LONGEST_SECONDS = 3600.0
WRITE_EVERY_SECONDS = 1.0


class Probe:
    """Probe of *url* at *rate_per_second*, by way of *connect* (host:port) where given, until stopped.

    Half of the requests open a connection each, half keep theirs, unless *fresh_connections* says all or none. It ends by
    itself after *limit_seconds*. *strictly*: a redirect, and an answer without *color_header*, is a failed request. Also a context manager. `so_far` may be asked from any thread at any time.
    """

    def __init__(
        self,
        url: str,
        *,
        connect: str | None = None,
        rate_per_second: float = 100.0,
        path: str | None = None,
        color_header: str | None = COLOR_HEADER,
        headers: Mapping[str, str] | None = None,
        strictly: bool = False,
        fresh_connections: bool | None = None,
        limit_seconds: float = LONGEST_SECONDS,
        request_timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
    ) -> None:
        from azora.gateways.probe.load import Expected, OpenLoop, Target  # noqa: PLC0415 - aiohttp, for the few processes that probe

        target = Target.of(url, connect, path)
        self._loop = OpenLoop(
            target,
            self._seen,
            timeout_seconds=request_timeout_seconds,
            fresh=fresh_connections,
            expected=Expected(color_header, strictly),
            headers=headers or {},
        )
        self._rate, self._limit, self._deadline_seconds = rate_per_second, limit_seconds, request_timeout_seconds + 5
        self._tallies = {"all": RequestCounter(), "fresh": RequestCounter(), "kept": RequestCounter()}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._began = self._ended = 0.0
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="azora-probe", daemon=True)

    def start(self) -> Self:
        """Begin; returns at once."""
        self._began = time.time()
        self._thread.start()
        return self

    def stop(self) -> ProbeResult:
        """End, wait for open answers and return the result. Safe to repeat. Raises Failed if it broke."""
        self._stop.set()
        self._thread.join(self._deadline_seconds)
        if self._broken is not None:
            raise Failed(f"could not probe: {self._broken!r}", advice="an internal error of Azora") from self._broken
        return self.so_far()

    def so_far(self) -> ProbeResult:
        """Requests that ended until now."""
        with self._lock:
            counts = {name: tally.counts() for name, tally in self._tallies.items()}
        ended = self._ended or time.time()
        return ProbeResult(
            self._began, ended, self._rate, self._loop.unsent, counts["all"], counts["fresh"], counts["kept"]
        )

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(self._deadline_seconds)

    def _run(self) -> None:
        try:
            asyncio.run(self._loop.run(self._rate, self._over))
        except BaseException as error:
            self._broken = error
        finally:
            self._ended = time.time()

    def _over(self) -> bool:
        return self._stop.is_set() or time.time() - self._began > self._limit

    def _seen(self, sample: ProbedRequest) -> None:
        with self._lock:
            self._tallies["all"].add(sample)
            self._tallies["fresh" if sample.fresh else "kept"].add(sample)


def run(probe: Probe, out: Path) -> ProbeResult:
    """Probe until its limit, SIGTERM or SIGINT; *out* holds the result so far as JSON, every second.

    For the main thread of a process of its own: at 1,000 requests a second a flow's process would feel it. Where that leads a
    session it goes first: users do not wait for the machine that is looked at.
    """
    go_first()
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        probe.start()
        while probe.running and not ended.wait(WRITE_EVERY_SECONDS):
            _write(out, probe.so_far())
        result = probe.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    _write(out, result)
    return result


def _write(out: Path, result: ProbeResult) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f"{out.name}.new")
    draft.write_text(to_json(result))
    with writing(System.FILES, str(out)):
        draft.replace(out)
