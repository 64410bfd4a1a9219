"""The report server shows the runs' folder and nothing beside it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from azora.local.reports import serving


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    run = tmp_path / "runs/3f2a"
    run.mkdir(parents=True)
    (run / "<b>.txt").write_text("text")
    (tmp_path / "runs/page").mkdir()
    (tmp_path / "runs/page/index.html").write_text("<h1>page</h1>")
    (tmp_path / "secret").write_text("secret")
    return serving(tmp_path / "runs")


@pytest.mark.parametrize(
    ("path", "status", "holds"),
    [
        pytest.param("/", 200, 'href="3f2a/"', id="folders are listed"),
        pytest.param("/3f2a", 200, "&lt;b&gt;.txt", id="names are escaped"),
        pytest.param("/3f2a/%3Cb%3E.txt", 200, "text", id="files are files"),
        pytest.param("/page/", 200, "<h1>page</h1>", id="an index is shown"),
        pytest.param("/trace-viewer/?trace=x.zip", 200, "Playwright Trace Viewer", id="traces have their viewer"),
        pytest.param("/nothing", 404, "", id="what is not there is not there"),
        pytest.param("/../secret", 404, "", id="nothing above"),
        pytest.param("/%2e%2e/secret", 404, "", id="nothing above, written otherwise"),
        pytest.param("/..%2f", 404, "", id="no list of what is above"),
    ],
)
def test_it_shows_what_is_there(app: Starlette, path: str, status: int, holds: str) -> None:
    answer = asyncio.run(_get(app, path))
    assert answer.status_code == status
    assert holds in answer.text


async def _get(app: Starlette, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://reports", follow_redirects=True) as client:
        return await client.get(path)
