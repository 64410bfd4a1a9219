"""Files of runs for people with the login or a signed address, and for nobody else."""

from __future__ import annotations

import asyncio
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from azora.config.settings import Settings
from azora.core.signed_links import Kind, signed_query
from azora.errors import BadInput
from azora.operations.reports import report_server as server
from azora.operations.reports.report_server import Access, report_server
from azora.operations.reports.serving import applications

RIGHT = ("azora", "f-9_x")
KEY = "k" * 32
LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    run = tmp_path / "runs/3f2a"
    run.mkdir(parents=True)
    (run / "<b>.txt").write_text("text")
    (run / ".hidden").write_text("secret")
    (run / "link").symlink_to(tmp_path / "secret")
    (run / "folder").symlink_to(tmp_path / "runs/page")
    (run / "bits").write_bytes(bytes(range(100)))
    os.mkfifo(run / "pipe")
    (tmp_path / "runs/page").mkdir()
    (tmp_path / "runs/page/index.html").write_text("<h1>page</h1>")
    (tmp_path / "runs/linked").mkdir()
    (tmp_path / "runs/linked/index.html").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_text("secret")
    return report_server(tmp_path / "runs", Access(":".join(RIGHT), KEY, "http://viewer"))


@pytest.mark.parametrize(
    ("path", "status", "holds"),
    [
        pytest.param("/", 200, 'href="./3f2a/"', id="folders are listed"),
        pytest.param("/3f2a", 200, "&lt;b&gt;.txt", id="names are escaped"),
        pytest.param("/3f2a/%3Cb%3E.txt", 200, "text", id="files are files"),
        pytest.param("/page/", 200, "<h1>page</h1>", id="an index is shown"),
        pytest.param("/nothing", 404, "", id="what is not there is not there"),
        pytest.param("/3f2a/%3Cb%3E.txt/more", 404, "", id="below a file"),
        pytest.param("/../secret", 404, "", id="nothing above"),
        pytest.param("/%2e%2e/secret", 404, "", id="nothing above, written otherwise"),
        pytest.param("/..%2f", 404, "", id="no list of what is above"),
        pytest.param("/3f2a/link", 404, "", id="a link"),
        pytest.param("/3f2a/folder/index.html", 404, "", id="below a link"),
        pytest.param("/3f2a/folder/", 404, "", id="the folder of a link"),
        pytest.param("/linked/", 200, "empty", id="an index that is a link"),
        pytest.param("/3f2a/.hidden", 404, "", id="hidden"),
        pytest.param("/3f2a/pipe", 404, "", id="no plain file"),
        pytest.param("/3f2a/%00", 404, "", id="no name"),
        pytest.param(f"/{'a' * 5000}", 404, "", id="a name that is too long"),
        pytest.param("/%2f3f2a", 200, "&lt;b&gt;.txt", id="no address of another host"),
    ],
)
def test_files_and_folders(app: Starlette, path: str, status: int, holds: str) -> None:
    """The server shows plain files below its folder, and follows no link."""
    answer = _get(app, path, RIGHT)
    assert answer.status_code == status
    assert holds in answer.text
    assert "secret" not in answer.text


def test_headers_of_a_file(app: Starlette) -> None:
    """A stranger's file is sandboxed; its type is not guessed; no other origin embeds it with the login."""
    headers = _get(app, "/3f2a/%3Cb%3E.txt", RIGHT).headers
    assert headers["Content-Security-Policy"].startswith("sandbox ")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


def test_policy_of_a_list(app: Starlette) -> None:
    """A list of files runs no script and requests nothing."""
    answer = _get(app, "/3f2a/", RIGHT)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert ".hidden" not in answer.text
    assert ">link<" not in answer.text


def test_part_of_a_file(app: Starlette) -> None:
    """A browser gets a part of a video."""
    answer = _get(app, f"/3f2a/bits?{signed_query(KEY, '/3f2a/bits', expires=LATER)}", headers={"Range": "bytes=10-12"})
    assert (answer.status_code, answer.content) == (206, bytes((10, 11, 12)))


def test_name_that_is_not_utf8(app: Starlette, tmp_path: Path) -> None:
    """A folder with an odd name in it is listed."""
    (tmp_path / "runs/page/index.html").unlink()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/runs/page/a\xff")).write_text("text")
    assert "%FF" in _get(app, "/page/", RIGHT).text


def test_large_page(app: Starlette, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is too large for memory is sent as it is, sandboxed."""
    monkeypatch.setattr(server, "HTML_BYTES", 10)
    (tmp_path / "runs/3f2a/big.html").write_text("<head></head>")
    answer = _get(app, "/3f2a/big.html", RIGHT)
    assert answer.text == "<head></head>"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox ")


def test_descriptors(app: Starlette) -> None:
    """No request leaves a file open."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("/", "/3f2a", "/3f2a/bits", "/3f2a/link", "/page/", "/linked/", "/3f2a/bits/x", "/3f2a/pipe"):
        _get(app, path, RIGHT)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.attack("a report without login and without a signed link", by="the report server")
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
def test_request_without_the_auth_string(app: Starlette, path: str, who: tuple[str, str] | None) -> None:
    """The answer is 401, whether or not the file exists."""
    answer = _get(app, path, who)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert "azora local password" in answer.text


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        pytest.param("/3f2a/%3Cb%3E.txt", signed_query(KEY, "/3f2a/<b>.txt", expires=LATER), 200, id="this file"),
        pytest.param("/3f2a/", signed_query(KEY, "/3f2a/<b>.txt", expires=LATER), 401, id="not its folder"),
        pytest.param("/page/index.html", signed_query(KEY, "/3f2a/<b>.txt", expires=LATER), 401, id="not another file"),
        pytest.param("/3f2a/%3Cb%3E.txt", signed_query("x" * 32, "/3f2a/<b>.txt", expires=LATER), 401, id="other key"),
        pytest.param(
            "/3f2a/%3Cb%3E.txt",
            signed_query(KEY, "/3f2a/<b>.txt", expires=datetime.now(UTC) - timedelta(seconds=1)),
            401,
            id="expired",
        ),
        pytest.param(
            "/3f2a/%3Cb%3E.txt",
            signed_query(KEY, "/3f2a/<b>.txt", expires=LATER, kind=Kind.UPLOAD),
            401,
            id="an upload's",
        ),
        pytest.param("/3f2a/%3Cb%3E.txt", "signature=", 401, id="empty"),
        pytest.param("/%2e%2e/secret", signed_query(KEY, "/../secret", expires=LATER), 404, id="nothing above"),
        pytest.param("/3f2a/link", signed_query(KEY, "/3f2a/link", expires=LATER), 404, id="a link"),
    ],
)
def test_signed_address(app: Starlette, path: str, query: str, status: int) -> None:
    """A signed address opens its one file without the login, for the trace viewer too."""
    answer = _get(app, f"{path}?{query}")
    assert answer.status_code == status
    if status == 200:
        assert answer.headers["Access-Control-Allow-Origin"] == "http://viewer"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"reports_auth_string": SecretStr("")}, "AZORA_REPORTS_AUTH_STRING is not set", id="no login"),
        pytest.param({"reports_key": SecretStr("")}, "AZORA_REPORTS_KEY is not set", id="no key"),
        pytest.param({"reports_key": SecretStr("short")}, "has 5 letters, fewer than 32", id="short key"),
        pytest.param({"reports_viewer_url": "http://r:80/viewer"}, "are both at http://r", id="one origin for both"),
    ],
)
def test_server_that_is_not_safe(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    """Without login, key and an origin for the viewer alone, the server does not start."""
    good = {"state": tmp_path, "reports_auth_string": SecretStr("a:b"), "reports_key": SecretStr(KEY)}
    with pytest.raises(BadInput, match=re.escape(says)):
        applications(Settings(**(good | {"reports_url": "http://r"} | changes)), 1, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize(("viewer_url", "ports"), [("", [1]), ("http://v", [1, 2])])
def test_ports(tmp_path: Path, viewer_url: str, ports: list[int]) -> None:
    """The viewer has a port of its own, where it has an address."""
    here = Settings(
        state=tmp_path,
        reports_viewer_url=viewer_url,
        reports_auth_string=SecretStr("a:b"),
        reports_key=SecretStr(KEY),
    )
    assert list(applications(here, 1, 2)) == ports


def _get(
    app: Starlette, path: str, who: tuple[str, str] | None = None, headers: dict[str, str] | None = None
) -> httpx.Response:
    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://reports", follow_redirects=True) as client:
            return await client.get(path, auth=who or httpx.USE_CLIENT_DEFAULT, headers=headers)

    return asyncio.run(get())
