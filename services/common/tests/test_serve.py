"""A stopping process drains before it goes, tried on a real one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import local

DRAIN_SECONDS = 1.0


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    port = local.free_port()
    environment = {
        "API_URL": "http://127.0.0.1:9",
        "REDIS_URL": "redis://127.0.0.1:9",
        "LISTEN_HOST": "127.0.0.1",
        "PORT": str(port),
    }
    command = [sys.executable, "-m", "common.serve", "web"]
    with (
        local.running(command, log=tmp_path / "log", **environment, DRAIN_SECONDS=str(DRAIN_SECONDS)) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        local.wait_until("web", lambda: _answers(client))
        yield process, client


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


def test_drain(web: tuple[subprocess.Popen[bytes], httpx.Client]) -> None:
    """Requests are answered during the drain, a long one in full; then the process exits."""
    process, client = web
    with client.stream("GET", "/slow?seconds=2.5") as slow:
        lines = slow.iter_lines()
        next(lines)
        process.send_signal(signal.SIGTERM)
        local.wait_until("the draining", lambda: client.get("/readyz").status_code == 503)
        during = client.get("/version")
        assert (during.status_code, during.headers["connection"]) == (200, "close")
        time.sleep(DRAIN_SECONDS + 0.3)
        with pytest.raises(httpx.TransportError):
            client.get("/version")
        assert list(lines)[-1] == "done"
    assert process.wait(10) in (0, -signal.SIGTERM)
