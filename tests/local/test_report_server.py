"""The report server: the runs' folder and nothing beside it, by auth string or signed address."""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import sync_playwright
from pydantic import SecretStr
from starlette.applications import Starlette

from azora.config.settings import Settings
from azora.core.auth import authorization, signature
from azora.errors import BadInput
from azora.local import report_server as server
from azora.local.report_server import serving
from tests.support.reports import report_server

RIGHT = ("azora", "f-9_x")


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    run = tmp_path / "runs/3f2a"
    run.mkdir(parents=True)
    (run / "<b>.txt").write_text("text")
    (tmp_path / "runs/page").mkdir()
    (tmp_path / "runs/page/index.html").write_text("<h1>page</h1>")
    (tmp_path / "secret").write_text("secret")
    return serving(tmp_path / "runs", ":".join(RIGHT))


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
def test_files_and_folders(app: Starlette, path: str, status: int, holds: str) -> None:
    """The server shows the runs' folder and nothing above it."""
    answer = asyncio.run(_get(app, path, RIGHT))
    assert answer.status_code == status
    assert holds in answer.text
    if path.startswith("/3f2a/%3C"):
        assert answer.headers["Content-Security-Policy"].startswith("sandbox ")


@pytest.mark.parametrize("path", ["/", "/3f2a", "/3f2a/", "/3f2a/%3Cb%3E.txt", "/page/", "/nothing"])
@pytest.mark.parametrize(
    "who",
    [
        pytest.param(None, id="nobody"),
        pytest.param(("azora", "wrong"), id="wrong password"),
        pytest.param(("admin", "f-9_x"), id="wrong user"),
        pytest.param(("", ""), id="empty"),
    ],
)
def test_request_without_the_auth_string(app: Starlette, path: str, who: tuple[str, str]) -> None:
    """The answer is 401, whether or not the file exists."""
    answer = asyncio.run(_get(app, path, who))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert "azora local password" in answer.text


@pytest.mark.parametrize(
    ("path", "signed", "status"),
    [
        pytest.param("/3f2a/%3Cb%3E.txt", signature("azora:f-9_x", "/3f2a/<b>.txt"), 200, id="this file"),
        pytest.param("/3f2a/", signature("azora:f-9_x", "/3f2a/<b>.txt"), 401, id="not its folder"),
        pytest.param("/page/index.html", signature("azora:f-9_x", "/3f2a/<b>.txt"), 401, id="not another file"),
        pytest.param("/3f2a/%3Cb%3E.txt", signature("azora:other", "/3f2a/<b>.txt"), 401, id="of another node"),
        pytest.param("/3f2a/%3Cb%3E.txt", "", 401, id="empty"),
        pytest.param("/%2e%2e/secret", signature("azora:f-9_x", "/../secret"), 404, id="nothing above"),
    ],
)
def test_signed_address(app: Starlette, path: str, signed: str, status: int) -> None:
    """A signed address opens its one file without the auth string."""
    assert asyncio.run(_get(app, f"{path}?signature={signed}")).status_code == status


STRANGERS = """<!doctype html><head><title>report</title></head><body><p id=said></p><script>
const said = []
const attempt = async (name, act) => { try { said.push(`${name}: ${await act()}`) } catch (error) { said.push(`${name}: ${error.name}`) } }
const all = async () => {
  sessionStorage.setItem("sort", "up")
  await attempt("memory", () => sessionStorage.getItem("sort"))
  await attempt("other file", async () => (await fetch("/other.txt")).text())
  await attempt("cookie", () => document.cookie)
  document.title = said.join(", ")
}
all()
</script></body>"""


def test_page_of_a_stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts of a commit's report run, and read no other file, though the browser is logged in."""
    (tmp_path / "runs/page").mkdir(parents=True)
    (tmp_path / "runs/other.txt").write_text("text")
    (tmp_path / "runs/page/report.html").write_text(STRANGERS)
    monkeypatch.setenv("AZORA_STATE", str(tmp_path))
    monkeypatch.setenv("AZORA_REPORTS_AUTH_STRING", ":".join(RIGHT))
    with report_server() as address, ThreadPoolExecutor(1) as own_loop:
        title = own_loop.submit(title_of, f"{address}/page/report.html").result()
    assert title.startswith("memory: up, other file: TypeError, cookie: SecurityError")


def title_of(address: str) -> str:
    """Title of the page, once its scripts ended."""
    with sync_playwright() as playwright:
        program = shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(extra_http_headers={"Authorization": authorization(":".join(RIGHT))})
        page.goto(address)
        page.wait_for_function("document.title != 'report'")
        return page.title()


def test_trace_viewer(app: Starlette) -> None:
    """The trace viewer is open to all: it holds nothing of a run."""
    assert "Playwright Trace Viewer" in asyncio.run(_get(app, "/trace-viewer/?trace=x.zip")).text


def test_server_without_an_auth_string(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an auth string the server does not start."""
    monkeypatch.setattr(server, "settings", lambda: Settings(reports_auth_string=SecretStr("")))
    with pytest.raises(BadInput, match="AZORA_REPORTS_AUTH_STRING is not set"):
        server.app()


async def _get(app: Starlette, path: str, who: tuple[str, str] | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://reports", follow_redirects=True) as client:
        return await client.get(path, auth=who or httpx.USE_CLIENT_DEFAULT)
