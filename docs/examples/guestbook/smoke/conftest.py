"""What Azora tells the cases: where the guestbook is, and who must answer there."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

OPTIONS = ("--azora-url", "--azora-connect", "--azora-expect-release", "--azora-expect-color")

Answer = tuple[int, dict[str, str], str]


def pytest_addoption(parser: pytest.Parser) -> None:
    for name in OPTIONS:
        parser.addoption(name, default=None)


@pytest.fixture(scope="session")
def ask(pytestconfig: pytest.Config) -> Callable[[str], Answer]:
    """GET a path: status, headers (names in small letters), text."""
    place, dialled = urlsplit(pytestconfig.option.azora_url), pytestconfig.option.azora_connect
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection

    def get(path: str) -> Answer:
        connection = kind(dialled or place.netloc, timeout=10)
        connection.request("GET", path, headers={"Host": place.netloc})
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read().decode()

    return get
