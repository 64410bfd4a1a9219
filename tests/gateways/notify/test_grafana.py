"""Marks on Grafana's boards, made through its HTTP API at a real server on loopback.

The server answers as the API is documented.

https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from azora.config.settings import ROOT, Settings
from azora.core.messages.annotations import Annotation
from azora.gateways.notify.grafana import annotate

TOKEN = "glsa_hunter2-of-ada"
MARK = Annotation(
    datetime(2026, 11, 24, 9, 30, 7, 250_000, tzinfo=UTC),
    ("azora", "production", "1f2e", "green", "promotion"),
    "users of production went from blue to green",
)
SECOND = Annotation(MARK.at, ("azora", "production", "0a0b", "blue", "return"), "and back")


class Grafana(ThreadingHTTPServer):
    """Keeps annotations, of whoever has the token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.kept: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if path not in {"/api/annotations", "/grafana/api/annotations"}:
            return 404, {"message": "Not found"}
        if token != f"Bearer {TOKEN}":
            return 401, {"message": f"Invalid API key {token}", "statusCode": 401}
        if not body.get("text"):
            return 400, {"message": "Failed to save annotation", "error": "text field should not be empty"}
        self.kept.append(body)
        return 200, {"message": "Annotation added", "id": len(self.kept)}


class Handler(BaseHTTPRequestHandler):
    server: Grafana

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["Content-Type"] == "application/json"
        status, said = self.server.answer(self.path, self.headers["Authorization"], body)
        text = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with Grafana() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def silent() -> Iterator[str]:
    """Takes connections and never says a word, until the test is over."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def away() -> str:
    """A place on loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """State of a machine of which nothing names a Grafana."""
    for name in [name for name in os.environ if name.startswith("AZORA_")]:
        monkeypatch.delenv(name)
    return tmp_path


def machine(folder: Path, url: str, token: str = TOKEN, seconds: float = 5) -> Settings:
    return Settings(state=folder, grafana_url=url, grafana_token=token, notify_timeout_seconds=seconds)  # type: ignore[arg-type]


def test_annotation(folder: Path, grafana: Grafana) -> None:
    """An annotation is posted with its time, tags and text."""
    assert annotate([MARK, SECOND], machine(folder, grafana.url)) == []
    assert grafana.kept[0] == {
        "time": 1_795_512_607_250,
        "tags": ["azora", "production", "1f2e", "green", "promotion"],
        "text": "users of production went from blue to green",
    }
    assert [one["text"] for one in grafana.kept] == [MARK.text, SECOND.text]


def test_annotation_below_a_path(folder: Path, grafana: Grafana) -> None:
    """A Grafana below a path is reached."""
    assert annotate([MARK], machine(folder, f"{grafana.url}/grafana/")) == []
    assert len(grafana.kept) == 1


def test_token_file(folder: Path, grafana: Grafana) -> None:
    """The token is in the machine's file or in the named one."""
    (folder / "grafana-token").write_text(f"{TOKEN}\n")
    mounted = folder / "token"
    mounted.write_text(TOKEN)
    for settings in (
        machine(folder, grafana.url, token=""),
        machine(folder / "elsewhere", grafana.url, token="").model_copy(update={"grafana_token_file": mounted}),
    ):
        assert annotate([MARK], settings) == []
    assert len(grafana.kept) == 2


def test_annotation_without_a_grafana(folder: Path, grafana: Grafana) -> None:
    """Without an address or an annotation no request is sent."""
    assert annotate([MARK], machine(folder, "")) == []
    assert annotate([], machine(folder, grafana.url)) == []
    assert grafana.kept == []


def test_token_that_is_missing(folder: Path, grafana: Grafana) -> None:
    """The error names the file of the missing token."""
    said = annotate([MARK], machine(folder, grafana.url, token=""))
    assert said == [f"could not read Grafana's token in '{folder}/grafana-token': No such file or directory"]


def test_grafana_that_refuses(folder: Path, grafana: Grafana) -> None:
    """One error has the answer, and not the token."""
    (said,) = annotate([MARK, SECOND], machine(folder, grafana.url, token="glsa_of-nobody"))
    assert said.startswith("could not mark the switch in Grafana: HTTP 401: ")
    assert "Invalid API key Bearer ***" in said
    assert "glsa_of-nobody" not in said


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(away(), id="nobody listens"),
        pytest.param("grafana.example.test", id="no scheme"),
        pytest.param("http://[", id="no URL"),
    ],
)
def test_grafana_that_is_unreachable(folder: Path, url: str) -> None:
    """An unreachable Grafana is one line."""
    (said,) = annotate([MARK, SECOND], machine(folder, url))
    assert said.startswith("could not mark the switch in Grafana: ")


@pytest.mark.parametrize("token", ["glsa_one\nglsa_two", "glsa_ä"])
def test_token_that_is_no_header(folder: Path, grafana: Grafana, token: str) -> None:
    """A token that no header may have is one line without the token."""
    said = annotate([MARK], machine(folder, grafana.url, token=token))
    assert said == ["could not use Grafana's token: it contains white space"]


def test_grafana_that_hangs(folder: Path, silent: str) -> None:
    """A Grafana that hangs costs the time limit once, however many annotations there are."""
    began = time.monotonic()
    said = annotate([MARK, SECOND], machine(folder, silent, seconds=0.5))
    assert time.monotonic() - began < 1.5
    assert len(said) == 1
    assert said[0].startswith("could not mark the switch in Grafana: ")


def test_import_of_the_http_client(folder: Path) -> None:
    """Without a Grafana the HTTP client is not imported: a rollback does not wait for it."""
    script = (
        "import sys\nfrom azora.core.messages.annotations import Annotation\nfrom azora.gateways.notify.grafana import annotate\n"
        "from azora.config.settings import settings\n"
        "assert annotate([Annotation(None, (), '')], settings()) == []\nprint('httpx' in sys.modules)\n"
    )
    env = {key: value for key, value in os.environ.items() if not key.startswith("AZORA_")}
    env |= {"AZORA_STATE": str(folder), "AZORA_KUBE_CONTEXT": "none"}
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_token_in_print(folder: Path) -> None:
    """The printed form of the settings has no token."""
    assert TOKEN not in repr(machine(folder, "http://grafana"))
