"""The probe counts what users would have seen: a real server, real connections, tables for the counts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from azora.core.checks.probe_result import (
    Counts,
    Failure,
    Presence,
    ProbedRequest,
    ProbeResult,
    count,
    read_result,
    to_json,
)
from azora.errors import BadInput
from azora.gateways.probe.load import Expected, Target
from azora.gateways.probe.probe import Probe
from azora.host.priority import weight_of_session
from tests.support.polling import until

POLICY = "Content-Security-Policy"
OURS = weight_of_session(os.getpid())

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server in a thread of its own; yields host:port."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    ports: list[int] = []

    async def begin() -> web.ServerRunner:
        runner = web.ServerRunner(web.Server(answer))  # type: ignore[arg-type]
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ports.append(runner.addresses[0][1])
        ready.set()
        return runner

    def serve() -> None:
        runner = loop.run_until_complete(begin())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait(5)
    yield f"127.0.0.1:{ports[0]}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)


def stopped_after(probe: Probe, requests: int) -> ProbeResult:
    until(lambda: probe.so_far().total >= requests, seconds=10, what=f"{requests} requests", every=0.01)
    return probe.stop()


@pytest.mark.slow
def test_requests_by_color() -> None:
    """Each request is counted by the color that answered it."""
    color, hosts, connections = ["blue"], set(), set()

    async def answer(request: web.Request) -> web.StreamResponse:
        hosts.add(request.headers["Host"])
        connections.add(request.transport.get_extra_info("peername") if request.transport else None)
        return web.Response(text="hello", headers={"X-Azora-Color": color[0]})

    with (
        serving(answer) as address,
        Probe("http://shop.localhost:8080/", connect=address, rate_per_second=200) as probe,
    ):
        until(lambda: probe.so_far().total >= 100, seconds=10, what="requests on blue", every=0.01)
        switched, color[0] = time.time(), "green"
        result = stopped_after(probe, 200)

    assert (result.failed, result.unsent, result.all.resent) == (0, 0, 0)
    assert result.fresh.total == pytest.approx(result.kept.total, abs=1)
    assert sum(seen.count for seen in result.all.colors.values()) == result.total
    assert hosts == {"shop.localhost:8080"}
    assert result.fresh.total + 8 <= len(connections) < 1.5 * result.fresh.total, "a busy one of the eight gets company"
    first, last = result.first_on("green"), result.last_on("blue")
    assert first is not None
    assert last is not None
    assert abs(first - switched) < 0.1
    assert last < switched + 0.05
    assert result.total == pytest.approx((result.ended - result.began) * 200, rel=0.1)
    assert result.all.p50_ms is not None
    assert 0 < result.all.p50_ms < 100


@pytest.mark.slow
def test_requests_that_fail() -> None:
    """Failures are counted by kind, and none is hidden."""
    number = iter(range(10**6))

    async def answer(request: web.Request) -> web.StreamResponse:
        match next(number) % 5:
            case 0:
                return web.Response(status=503)
            case 1:
                await asyncio.sleep(1)
            case 2 if request.transport:
                request.transport.abort()
        return web.Response(headers={"X-Azora-Color": "blue"})

    with serving(answer) as address:
        probe = Probe(
            f"http://{address}/", rate_per_second=200, fresh_connections=True, request_timeout_seconds=0.3
        ).start()
        result = stopped_after(probe, 100)

    kinds = {failure.kind: failure.count for failure in result.all.failures}
    assert kinds.keys() == {"HTTP 503", "timeout", "closed without a response"}
    assert result.failed == sum(kinds.values()) == result.total - result.all.colors["blue"].count
    assert all(result.began <= at <= result.ended for failure in result.all.failures for at in failure.at)
    assert result.kept == Counts()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "status", "headers", "loose", "strict"),
    [
        pytest.param("X-Azora-Color", 200, {"X-Azora-Color": "blue"}, None, None, id="application"),
        pytest.param("X-Azora-Color", 200, {}, None, "HTTP 200 without X-Azora-Color", id="login page"),
        pytest.param("X-Azora-Color", 302, {"Location": "/login"}, None, "HTTP 302 to /login", id="redirect to a login"),
        pytest.param("X-Azora-Color", 308, {"Location": "https://a/"}, None, "HTTP 308 to https://a/", id="redirect to TLS"),
        pytest.param("X-Azora-Color", 503, {"X-Azora-Color": "blue"}, "HTTP 503", "HTTP 503", id="error"),
        pytest.param("X-Served-By", 200, {"X-Served-By": "blue"}, None, None, id="another header"),
        pytest.param(None, 200, {}, None, None, id="no header"),
        pytest.param(None, 304, {}, None, "HTTP 304 to nowhere", id="no header, redirect"),
    ],
)  # fmt: skip
def test_answer_of_the_application(
    header: str | None, status: int, headers: dict[str, str], loose: str | None, strict: str | None
) -> None:
    """Strictly, an answer that did not come from the application is a failed request, with its target named."""
    assert Expected(header).failure(status, headers) == loose
    assert Expected(header, strictly=True).failure(status, headers) == strict


def test_headers_of_the_probe() -> None:
    """The probe sends the headers that the application needs, and reads the color from the one that it names."""

    async def answer(request: web.Request) -> web.Response:
        allowed = request.headers.get("X-Key") == "s3cret" and request.headers["Host"] == "shop.example"
        return web.Response(status=200 if allowed else 401, headers={"X-Served-By": "green"})

    with serving(answer) as address:
        probe = Probe(
            "http://shop.example",
            connect=address,
            color_header="X-Served-By",
            headers={"X-Key": "s3cret"},
            strictly=True,
        )
        seen = stopped_after(probe.start(), 5)
    assert seen.failed == 0
    assert set(seen.all.colors) == {"green"}


@pytest.mark.parametrize(
    ("headers", "sent", "kinds"),
    [
        pytest.param({POLICY: "default-src ".ljust(9_000, "x")}, "", [], id="as browsers take it"),
        pytest.param({"Content-Encoding": "br"}, "", [], id="coding of another library"),
        pytest.param(
            {POLICY: "default-src ".ljust(70_000, "x")},
            "",
            ["Got more than 65536 bytes when reading: b'default-src"],
            id="too long",
        ),
        pytest.param({}, "a\nb", ["ValueError"], id="request that cannot be sent"),
    ],
)
def test_header_of_an_answer(headers: dict[str, str], sent: str, kinds: list[str]) -> None:
    """A long policy or a packed body is no failure; each request that fails is counted, with the reason."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(headers=headers, body=b"packed")

    with serving(answer) as address:
        probe = Probe(f"http://{address}", rate_per_second=20, headers={"X-Key": sent} if sent else {})
        seen = stopped_after(probe.start(), 2)
    assert [kind in failure.kind for kind, failure in zip(kinds, seen.all.failures, strict=True)] == [True] * len(kinds)


def test_requests_with_slow_answers() -> None:
    """Slow answers do not lower the request rate."""

    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.5)
        return web.Response()

    with serving(answer) as address:
        probe = Probe(f"http://{address}/", rate_per_second=100).start()
        time.sleep(1)
        result = probe.stop()

    assert result.total == pytest.approx(100, abs=8)
    assert result.failed == 0


@pytest.mark.slow
def test_requests_that_are_resent() -> None:
    """A request on a closed connection is sent again, and counted as resent."""
    seen: set[object] = set()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.transport and request.transport.get_extra_info("peername") in seen:
            request.transport.abort()
        elif request.transport:
            seen.add(request.transport.get_extra_info("peername"))
        return web.Response()

    with serving(answer) as address:
        # One request at a time on each of the probe's eight kept connections: a second one would be closed under its own resent request.
        probe = Probe(f"http://{address}/", rate_per_second=20, fresh_connections=False).start()
        result = stopped_after(probe, 40)

    assert result.failed == 0
    assert result.kept.resent == result.all.resent > 10


def test_requests_without_a_server() -> None:
    """Without a server each request is a failure."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    result = stopped_after(Probe(f"http://{address}/", rate_per_second=100).start(), 20)

    assert result.failed == result.total
    assert [failure.kind for failure in result.all.failures] == ["connection refused"]
    assert result.all.p50_ms is None


@pytest.mark.slow
def test_time_limit() -> None:
    """The probe ends at its time limit."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response()

    with serving(answer) as address:
        probe = Probe(f"http://{address}/", rate_per_second=50, limit_seconds=0.3).start()
        until(lambda: not probe.running, seconds=5, what="the end of the probe", every=0.01)
        assert probe.stop().total == pytest.approx(15, abs=3)


async def answer_from_blue(_: web.Request) -> web.StreamResponse:
    return web.Response(headers={"X-Azora-Color": "blue"})


@contextmanager
def probing(address: str, out: Path, *, in_a_session_of_its_own: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A process that probes and has seen something."""
    program = "import sys; from pathlib import Path; from azora.gateways.probe.probe import Probe, run;"
    program += f"run(Probe('http://{address}/', rate_per_second=100), Path({str(out)!r}))"
    command, env = [sys.executable, "-c", program], os.environ | {"PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(command, env=env, start_new_session=in_a_session_of_its_own) as process:
        try:
            until(out.exists, seconds=30, what="the first result", every=0.02)
            yield process
        finally:
            process.terminate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_that_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    """The probe's process writes its result when it is ended."""
    out = tmp_path / "probe.json"
    with serving(answer_from_blue) as address, probing(address, out) as process:
        so_far = read_result(out)
        process.send_signal(number)
        assert process.wait(5) == 0

    result = read_result(out)
    assert result.total >= so_far.total > 10
    assert result.failed == 0
    assert json.loads(out.read_text())["all"]["colors"]["blue"]["count"] == result.total


@pytest.mark.skipif(not OURS.exists() or os.geteuid() != 0, reason="this kernel does not let us")
@pytest.mark.parametrize("own", [True, False], ids=["a session of its own", "somebody's session"])
def test_process_priority(tmp_path: Path, *, own: bool) -> None:
    """The probe has priority in a session of its own, and leaves another session as it is."""
    before = OURS.read_text()
    with (
        serving(answer_from_blue) as address,
        probing(address, tmp_path / "probe.json", in_a_session_of_its_own=own) as process,
    ):
        weight = weight_of_session(process.pid).read_text()
    assert weight.strip().endswith("nice -10") is own, weight
    assert OURS.read_text() == before


@pytest.mark.parametrize(
    ("url", "connect", "path", "expected"),
    [
        (
            "http://shop.localhost:8080",
            "127.0.0.1:80",
            None,
            Target("http://127.0.0.1:80/", "shop.localhost:8080", None),
        ),
        ("http://shop.localhost/a?b=c", None, None, Target("http://shop.localhost/a?b=c", "shop.localhost", None)),
        ("http://shop.localhost/a", "10.0.0.1:80", "/api", Target("http://10.0.0.1:80/api", "shop.localhost", None)),
        (
            "https://shop.example/",
            "10.0.0.1:443",
            None,
            Target("https://10.0.0.1:443/", "shop.example", "shop.example"),
        ),
    ],
)
def test_target_of_an_address(url: str, connect: str | None, path: str | None, expected: Target) -> None:
    """Address, path and Host header follow from URL and connection."""
    assert Target.of(url, connect, path) == expected


@pytest.mark.parametrize("url", ["shop.example", "ftp://shop.example", "http://"])
def test_target_that_is_wrong(url: str) -> None:
    """An address that is no web address is refused."""
    with pytest.raises(BadInput, match="could not probe"):
        Probe(url)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param([], Counts(), id="nothing"),
        pytest.param(
            [
                ProbedRequest(12.0, 0.002, "blue"),
                ProbedRequest(10.0, 0.001, "blue"),
                ProbedRequest(11.0, 0.0504, "green"),
            ],
            Counts(
                3, colors={"blue": Presence(2, 10.0, 12.0), "green": Presence(1, 11.0, 11.0)}, p50_ms=2.0, p99_ms=50.4
            ),
            id="colors, whatever the order",
        ),
        pytest.param(
            [
                ProbedRequest(1.0, 5.0, "blue", "timeout"),
                ProbedRequest(2.0, 0.001, resent=True),
                ProbedRequest(0.0, 0.1, None, "HTTP 503"),
            ],
            Counts(3, 2, 1, (Failure("HTTP 503", 1, (0.0,)), Failure("timeout", 1, (1.0,))), p50_ms=1.0, p99_ms=1.0),
            id="a failed request has no color and no latency",
        ),
        pytest.param(
            [ProbedRequest(float(at), 1, None, "timeout") for at in (9, 3, 1, 7, 5, 0, 8)],
            Counts(7, 7, 0, (Failure("timeout", 7, (0.0, 1.0, 3.0, 5.0, 7.0)),)),
            id="the first few times of many",
        ),
        pytest.param(
            [ProbedRequest(0.0, number / 1000) for number in range(1, 101)],
            Counts(100, p50_ms=50.0, p99_ms=99.0),
            id="percentiles",
        ),
    ],
)
def test_counts_of_samples(samples: list[ProbedRequest], expected: Counts) -> None:
    """Samples give these counts, times and percentiles."""
    assert count(samples) == expected


def test_result_in_a_file(tmp_path: Path) -> None:
    """A result is the same after its file, and has a summary of one line."""
    counts = count(
        [
            ProbedRequest(99.0, 0.002, "blue"),
            ProbedRequest(101.5, 0.002, "green"),
            ProbedRequest(102.0, 1, None, "HTTP 503"),
        ]
    )
    result = ProbeResult(98.0, 103.0, 1, 2, counts, counts, Counts())
    (tmp_path / "file").write_text(to_json(result))

    assert read_result(tmp_path / "file") == result
    assert result.summary(switched_at=100.0) == (
        "3 requests, 1 failed; 1 × HTTP 503; blue 1 (-1.00 to -1.00 s); green 1 (+1.50 to +1.50 s); "
        "p50 2.0 ms, p99 2.0 ms; 2 not sent"
    )
