"""Upload of a run's reports from a worker on another machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from azora.config.settings import Settings
from azora.core.signed_links import Kind, signed_query
from azora.operations.reports import publishing, receiving
from azora.operations.reports.links import link
from azora.operations.reports.publishing import publish
from azora.operations.reports.report_server import Access, report_server
from tests.support.reports import KEY, free_port
from tests.support.reports import report_server as running_server

LATER = datetime.now(UTC) + timedelta(hours=1)
Put = Callable[..., httpx.Response]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "runs/run/e2e").mkdir(parents=True)
    (tmp_path / "runs/run/link").symlink_to(tmp_path)
    (tmp_path / "runs/run/report.html").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "runs"


@pytest.fixture
def put(root: Path) -> Put:
    app = report_server(root, Access("a:b", KEY, takes_uploads=True))

    def send(path: str, content: bytes = b"text", *, query: str = "", to: Starlette = app) -> httpx.Response:
        query = query or signed_query(KEY, path, expires=LATER, kind=Kind.UPLOAD)
        transport = httpx.ASGITransport(to)

        async def request() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://reports") as client:
                return await client.put(f"{quote(path)}?{query}", content=content)

        return asyncio.run(request())

    return send


def left(root: Path) -> list[str]:
    """Files below *root*; of an upload that was refused, nothing is left."""
    return sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())


def test_upload(put: Put, root: Path) -> None:
    """A file is stored whole; a later attempt of the same run replaces it."""
    assert put("/new run/e2e host/report.html", b"one").status_code == 201
    assert put("/new run/e2e host/report.html", b"two").status_code == 201
    assert (root / "new run/e2e host/report.html").read_bytes() == b"two"
    assert left(root) == ["new run/e2e host/report.html"]


@pytest.mark.attack("an upload to a path outside of its run", by="the report server")
@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/run/link/file", 400, id="below a link"),
        pytest.param("/run/report.html", 400, id="over a link"),
        pytest.param("/run/e2e", 400, id="over a folder"),
        pytest.param("/file", 400, id="outside of a run"),
        pytest.param("/run/.hidden", 400, id="hidden"),
        pytest.param("/run/../../file", 400, id="above"),
        pytest.param(f"/run/{'a' * 300}", 400, id="a name that is too long"),
    ],
)
def test_path_of_an_upload(root: Path, path: str, status: int) -> None:
    """Only plain names below a run's folder are written."""
    query = signed_query(KEY, path, expires=LATER, kind=Kind.UPLOAD)
    path = path.replace("/..", "/%2e%2e")
    transport = httpx.ASGITransport(report_server(root, Access("a:b", KEY, takes_uploads=True)))

    async def request() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://reports") as client:
            return await client.put(f"{path}?{query}", content=b"text")

    assert asyncio.run(request()).status_code == status
    assert left(root) == []
    assert not (root.parent / "elsewhere").exists()


@pytest.mark.attack("an upload without a signature of its own", by="the report server")
@pytest.mark.parametrize(
    "query",
    [
        pytest.param("expires=9999999999&signature=x", id="no signature"),
        pytest.param(signed_query(KEY, "/run/e2e/a", expires=LATER), id="a reader's"),
        pytest.param(signed_query(KEY, "/run/e2e/b", expires=LATER, kind=Kind.UPLOAD), id="another file's"),
        pytest.param(
            signed_query(KEY, "/run/e2e/a", expires=datetime.now(UTC) - timedelta(1), kind=Kind.UPLOAD), id="expired"
        ),
    ],
)
def test_upload_that_is_not_signed(put: Put, root: Path, query: str) -> None:
    """An upload needs a signature of its kind, for its one file."""
    assert put("/run/e2e/a", query=query).status_code == 401
    assert left(root) == []


@pytest.mark.parametrize(
    ("limit", "value"), [("FILE_BYTES", 3), ("RUN_BYTES", 3), ("RUN_FILES", 0), ("FREE_BYTES", 10**18)]
)
def test_limits_of_an_upload(put: Put, root: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    """A file, a run and the disk have a limit; nothing of a refused file is left."""
    monkeypatch.setattr(receiving, limit, value)
    assert put("/run/e2e/a", b"text").status_code == 413
    assert left(root) == []


def test_server_without_uploads(put: Put, root: Path) -> None:
    """A server that reads the worker's folder accepts no upload."""
    assert put("/run/e2e/a", to=report_server(root, Access("a:b", KEY))).status_code == 405


def test_worker_on_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a run are readable by their links once they are uploaded; links and hidden files stay."""
    folder = tmp_path / "worker/runs/run/e2e host"
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("<h1>report</h1>")
    (folder / "secret").symlink_to("/etc/passwd")
    (folder / ".hidden").write_text("hidden")
    monkeypatch.setenv("AZORA_STATE", str(tmp_path / "server"))
    monkeypatch.setenv("AZORA_REPORTS_AUTH_STRING", "a:b")
    monkeypatch.setenv("AZORA_REPORTS_KEY", KEY)
    monkeypatch.setenv("AZORA_REPORTS_UPLOAD", "true")
    with running_server() as served:
        here = Settings(
            state=tmp_path / "worker", reports_url=served.reports, reports_key=SecretStr(KEY), reports_upload=True
        )
        published = publish([folder], here)
        assert (published.files, published.error) == (frozenset({folder / "report.html"}), "")
        assert httpx.get(link(folder / "report.html", here)).text == "<h1>report</h1>"
    assert left(tmp_path / "server/runs") == ["run/e2e host/report.html"]


def test_report_server_that_is_away(tmp_path: Path) -> None:
    """A server that does not respond costs the links, and raises nothing."""
    (tmp_path / "runs/run").mkdir(parents=True)
    (tmp_path / "runs/run/log").write_text("text")
    away = Settings(state=tmp_path, reports_url=f"http://127.0.0.1:{free_port()}", reports_upload=True)
    published = publish([tmp_path / "runs/run"], away)
    assert not published.has(tmp_path / "runs/run/log")
    assert "refused" in published.error


def test_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file above the limit is left out, with the reason."""
    monkeypatch.setattr(publishing, "FILE_BYTES", 3)
    (tmp_path / "runs/run").mkdir(parents=True)
    (tmp_path / "runs/run/log").write_text("text")
    published = publish([tmp_path / "runs/run"], Settings(state=tmp_path, reports_upload=True))
    assert published.files == frozenset()
    assert "a file is larger than" in published.error


def test_server_on_the_same_machine(tmp_path: Path) -> None:
    """Without uploads every file has its link."""
    assert publish([tmp_path], Settings(state=tmp_path)).has(tmp_path / "any")
