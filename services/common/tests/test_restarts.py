"""PostgreSQL and Redis are stopped and started again; the services are not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

import local
from auth.app import create
from auth.settings import Settings
from common import sessions

LOGIN = {"email": "ada@example.test", "password": "correct horse battery"}
_connect = sessions.connect  # the fixture `redis` puts one in memory in its place


class Redis:
    """A real one, that can be stopped."""

    def __init__(self, folder: Path) -> None:
        self.port = local.free_port()
        self._folder = folder
        self._running = self._start()
        self._running.__enter__()

    @contextmanager
    def _start(self) -> Iterator[None]:
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--appendonly", "yes"]
        with local.running([*command, "--dir", str(self._folder)], log=self._folder / "log"):
            yield

    def stop(self) -> None:
        self._running.__exit__(None, None, None)

    def start(self) -> None:
        self._running = self._start()
        self._running.__enter__()


class PostgreSQL:
    """The one of `local.postgresql`, stopped and started from outside."""

    def __init__(self, url: str) -> None:
        (folder,) = parse_qs(urlsplit(url).query)["host"]
        self._data = Path(folder) / "data"
        self._command = Path(f"/proc/{self._pid()}/cmdline").read_bytes().decode().split("\0")[:-1]
        self._again: subprocess.Popen[bytes] | None = None

    def _pid(self) -> int:
        return int((self._data / "postmaster.pid").read_text().splitlines()[0])

    def stop(self) -> None:
        os.kill(self._pid(), signal.SIGINT)
        local.wait_until("the end of PostgreSQL", lambda: not (self._data / "postmaster.pid").exists())
        if self._again:
            self._again.wait(20)

    def start(self) -> None:
        user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        self._again = subprocess.Popen(self._command, cwd="/", stderr=subprocess.DEVNULL, **user)  # type: ignore[call-overload]


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        pytest.fail("could not find 'redis-server': install Debian's package redis-server")
    server = Redis(tmp_path)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgresql(database_url: str) -> Iterator[PostgreSQL]:
    server = PostgreSQL(database_url)
    yield server
    server.stop()


@pytest.fixture
def ada(redis_server: Redis, emptied: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The service that needs both, with somebody who can log in."""
    monkeypatch.setattr(sessions, "connect", _connect)
    settings = Settings(database_url=emptied, redis_url=f"redis://127.0.0.1:{redis_server.port}/0")  # type: ignore[arg-type]
    with TestClient(create(settings), raise_server_exceptions=False) as client:
        local.wait_until("Redis and PostgreSQL", lambda: client.get("/readyz").is_success)
        assert client.post("/auth/accounts", json={"name": "Ada", **LOGIN}).status_code == 201
        assert _logs_in(client)
        yield client


def _logs_in(client: TestClient) -> bool:
    return client.post("/auth/sessions", json=LOGIN).status_code == 201


def _goes_and_comes(client: TestClient, server: Redis | PostgreSQL, away: Callable[[], None]) -> None:
    server.stop()
    away()
    server.start()
    began = time.monotonic()
    local.wait_until("a login", lambda: _logs_in(client), seconds=20)
    assert time.monotonic() - began < 10


def test_restart_of_postgresql(ada: TestClient, postgresql: PostgreSQL) -> None:
    """The service is not ready without PostgreSQL, and works again after its restart."""

    def away() -> None:
        assert ada.get("/readyz").json()["checks"] == {"postgresql": "failing", "redis": "ok"}
        assert ada.get("/healthz").status_code == 200
        answer = ada.post("/auth/sessions", json=LOGIN)
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")

    _goes_and_comes(ada, postgresql, away)


def test_restart_of_redis(ada: TestClient, redis_server: Redis) -> None:
    """The service works again after Redis's restart, and sessions stay."""
    token = ada.post("/auth/sessions", json=LOGIN).json()["token"]

    def away() -> None:
        assert ada.get("/readyz").json()["checks"] == {"postgresql": "ok", "redis": "failing"}
        assert ada.post("/auth/sessions", json=LOGIN).status_code == 503

    _goes_and_comes(ada, redis_server, away)
    current = ada.get("/auth/sessions/current", headers={"authorization": f"Bearer {token}"})
    assert current.json()["email"] == "ada@example.test"
