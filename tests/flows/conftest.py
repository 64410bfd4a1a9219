"""The promotion of production that several files look at: under users, and told to whoever wants to know."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from azora.probing import ProbeResult
from azora.settings import settings
from azora.world import World
from tests import road


@dataclass(frozen=True)
class Notices:
    """What the receiver was told in one promotion: before the answer, and in all."""

    before_the_answer: list[dict[str, str]]
    all: list[dict[str, str]]


@dataclass(frozen=True)
class Yes:
    """A promotion of production: the world before, the moment of the answer (Unix time), the run, what users met, notices."""

    before: World
    answered: float
    over: road.Run
    seen: ProbeResult
    told: Notices


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


@contextmanager
def receiving() -> Iterator[list[dict[str, str]]]:
    """A receiver of notices. Every run reads its address in the machine's file, after one where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        away = nobody.getsockname()[1]
    file = settings().state_folder / "notify"
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        file.write_text(f"json://127.0.0.1:{away}/\njson://127.0.0.1:{server.server_port}/\n")
        yield server.got
        file.unlink()
        server.shutdown()


@pytest.fixture(scope="session")
def proved(released: object) -> str:  # noqa: ARG001
    """A commit that staging proved and that no color of production holds: a yes installs fifteen pods."""
    road.take_preview_away("production")
    return road.a_proved_commit()


@pytest.fixture(scope="session")
def yes(proved: str) -> Yes:
    """Production is promoted to *proved*, under users; one of the two addresses that are told is away."""
    before = road.world("production")
    with receiving() as told:
        run = road.until_it_waits(road.begin("release", ref=proved), seconds=60)
        before_the_answer = list(told)
        with road.users("production") as users:
            answered = time.time()
            road.approve(run)
            over = road.until_over(run)
            return Yes(before, answered, over, users.stop(), Notices(before_the_answer, list(told)))
