"""Promises of every service, tested on a service that does nothing else."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, Request
from fastapi.testclient import TestClient

from common.envelope import Envelope
from common.service import service
from common.settings import DatabaseSettings, ServiceSettings

router = APIRouter()


@router.post("/echo")
async def echo(request: Request) -> int:
    return len(await request.body())


@router.get("/crash")
async def crash() -> None:
    raise RuntimeError("postgresql://user:secret@host")


@router.get("/away")
async def away() -> None:
    raise ConnectionRefusedError


def _works() -> None: ...


def _fails() -> None:
    raise ConnectionRefusedError


def _service(**checks: object) -> Envelope:
    settings = ServiceSettings(azora_color="green", azora_release="3f2a1c", max_body_bytes=100)
    return service(
        "trial", settings, description="", routers=[router], checks=checks or {"redis": _works},  # type: ignore[arg-type]
        unavailable=[ConnectionRefusedError],
    )  # fmt: skip


@pytest.fixture
def trial() -> Envelope:
    return _service()


@pytest.fixture
def client(trial: Envelope) -> TestClient:
    return TestClient(trial, raise_server_exceptions=False)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/version", "/metrics", "/nowhere", "/crash", "/away"])
def test_headers(client: TestClient, path: str) -> None:
    """Each answer has color, release and request id."""
    headers = client.get(path, headers={"x-request-id": "abc-1"}).headers
    assert headers["x-azora-color"] == "green"
    assert headers["x-azora-release"] == "3f2a1c"
    assert headers["x-request-id"] == "abc-1"


def test_version(client: TestClient) -> None:
    """The version is service, release and color."""
    assert client.get("/version").json() == {"service": "trial", "release": "3f2a1c", "color": "green"}


def test_head(client: TestClient) -> None:
    """HEAD is answered as GET, without the body."""
    asked, got = client.head("/version"), client.get("/version")
    assert (asked.status_code, asked.headers["content-length"]) == (200, got.headers["content-length"])


def test_forged_request_id(client: TestClient) -> None:
    """A request id with other characters is replaced."""
    assert client.get("/healthz", headers={"x-request-id": "a b"}).headers["x-request-id"] != "a b"


def test_readiness_without_a_dependency() -> None:
    """Without a dependency the service is alive and not ready."""
    client = TestClient(_service(postgresql=_fails, redis=_works))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"postgresql": "failing", "redis": "ok"}
    assert client.get("/healthz").status_code == 200


def test_readiness_during_the_drain(trial: Envelope, client: TestClient) -> None:
    """A draining service is not ready and closes connections."""
    assert "connection" not in client.get("/version").headers
    trial.lifecycle.draining = True
    assert client.get("/readyz").status_code == 503
    answer = client.get("/version")
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/nowhere", 404, "not_found"), ("/crash", 500, "failed"), ("/away", 503, "unavailable")],
)
def test_errors(client: TestClient, path: str, status: int, code: str) -> None:
    """Errors are problem documents without internals."""
    answer = client.get(path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "secret" not in answer.text


def test_body_size(client: TestClient) -> None:
    """A body has a size limit, with and without a length."""
    assert client.post("/echo", content=b"x" * 100).json() == 100
    assert client.post("/echo", content=b"x" * 101).status_code == 413
    assert client.post("/echo", content=iter([b"x" * 60, b"x" * 60])).status_code == 413


@pytest.mark.parametrize("given", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_database_addresses(given: str) -> None:
    """Each form of a PostgreSQL address is accepted."""
    assert DatabaseSettings(database_url=given).database_url.get_secret_value() == "postgresql+psycopg://u@h/d"  # type: ignore[arg-type]
