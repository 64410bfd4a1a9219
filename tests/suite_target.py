"""The platform under test, asked without a browser."""

from __future__ import annotations

import http.client
import json
import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

# The variable that holds what a suite may do more than a visitor: never an option, which every user of a machine can read.
SECRET = "SUITE_SECRET"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Target:
    """Address of the platform, and the release and color that must answer there."""

    url: str
    connect: str | None = None
    release: str | None = None
    color: str | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def ask(self, path: str, send: object = None, *, method: str | None = None, token: str | None = None) -> Answer:
        """GET *path*, or POST *send* to it as JSON, or what *method* says; on behalf of who has *token*."""
        address = self.connect or urlsplit(self.url).netloc
        headers = {"Host": urlsplit(self.url).netloc, "Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        secure = urlsplit(self.url).scheme == "https"
        connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(address, timeout=15)
        try:
            body = None if send is None else json.dumps(send)
            connection.request(method or ("POST" if body else "GET"), path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()


def suite_secret() -> str | None:
    return os.environ.get(SECRET)
