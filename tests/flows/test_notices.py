"""Who is told of a release, at a real receiver; one address of the two is away, and the release does not notice."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from azora.settings import settings
from tests import road

pytestmark = pytest.mark.usefixtures("released")


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[dict[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@dataclass(frozen=True)
class Release:
    """A promotion of production that a person was asked about: its run, what was told before the answer, and in all."""

    over: road.Run
    before_the_answer: list[dict[str, str]]
    told: list[dict[str, str]]


@pytest.fixture(scope="module")
def receiver(released: object) -> Iterator[Receiver]:  # noqa: ARG001 - its own run is told to nobody
    """It listens, and every run reads its address in the machine's file, after one where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        away = nobody.getsockname()[1]
    file = settings().state_folder / "notify"
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        file.write_text(f"json://127.0.0.1:{away}/\njson://127.0.0.1:{server.server_port}/\n")
        yield server
        file.unlink()
        server.shutdown()


@pytest.fixture(scope="module")
def release(receiver: Receiver) -> Release:
    """Staging's part, where it is walked at all, is over before the count begins."""
    proved = road.a_proved_commit()
    receiver.got.clear()
    run = road.until_it_waits(road.begin("release", ref=proved), seconds=60)
    before = list(receiver.got)
    road.approve(run)
    return Release(road.until_over(run), before, list(receiver.got))


def test_a_question_is_told_once_with_the_page_where_it_is_answered(release: Release) -> None:
    (question,) = release.before_the_answer
    assert question["title"].startswith(f"{settings().application}: production waits for an answer: ")
    assert f"answer it with Resume: {release.over.url}" in question["message"]


def test_the_promotion_is_told_with_its_counts_and_who_said_yes(release: Release) -> None:
    _, promoted = release.told
    assert promoted["title"].startswith(f"{settings().application}: production runs ")
    assert "requests around the switch, 0 failed" in promoted["message"]
    assert "approved by ada: tested and awaited" in promoted["message"]
    assert release.over.url in promoted["message"]


def test_an_address_that_is_away_costs_the_release_nothing(release: Release) -> None:
    assert release.over.went_well, release.over.message
