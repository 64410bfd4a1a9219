"""A small HTTP server: each answer says which color and release gave it, and SIGTERM ends it after what it is at."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8080

Answer = tuple[HTTPStatus, str, str]  # status, content type, text
Respond = Callable[[str], Answer]


class Server(ThreadingHTTPServer):
    """Answers GET with what *respond* says of the path; /ping is its own, for probes."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, respond: Respond, port: int = PORT) -> None:
        super().__init__(("", port), Handler)
        self.respond = respond


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        status, kind, text = (
            (HTTPStatus.OK, "text/plain", "pong") if self.path == "/ping" else self.server.respond(self.path)
        )
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Azora-Color", os.environ.get("COLOR", "none"))
        self.send_header("X-Azora-Release", os.environ.get("RELEASE", "none"))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Requests are not logged: probes alone are fifty a second."""


def serve(respond: Respond) -> None:
    """Until SIGTERM or SIGINT."""
    server = Server(respond)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
