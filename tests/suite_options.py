"""What both suites share: where the platform is, what it must say it is, and a browser that reaches it.

Each suite's conftest.py imports it, so that a folder of cases runs wherever it lies, in any interpreter that has
pytest-playwright.
"""

from __future__ import annotations

import http.client
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--disable-gpu",
]
_OPTIONS = {
    "--azora-url": "address of the platform, e.g. http://azora.localhost:8080",
    "--azora-connect": "host:port to dial for it, instead of looking its name up",
    "--azora-expect-release": "the release that must answer",
    "--azora-expect-color": "the color that must answer",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("azora", "the platform under test")
    with suppress(ValueError):  # the other suite's conftest.py has added them
        for name, meaning in _OPTIONS.items():
            group.addoption(name, default=None, help=meaning)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Target:
    """The platform under test."""

    url: str
    connect: str | None
    release: str | None
    color: str | None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def ask(self, path: str, send: object = None) -> Answer:
        """GET *path*, or POST *send* to it as JSON."""
        address = self.connect or urlsplit(self.url).netloc
        headers = {"Host": urlsplit(self.url).netloc, "Content-Type": "application/json"}
        secure = urlsplit(self.url).scheme == "https"
        connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(address, timeout=15)
        try:
            body = None if send is None else json.dumps(send)
            connection.request("POST" if body else "GET", path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Target:
    url, connect, release, color = (pytestconfig.getoption(name) for name in _OPTIONS)
    if not url:
        pytest.exit("could not run the cases: say where the platform is with --azora-url", returncode=4)
    return Target(url.rstrip("/"), connect, release, color)


@pytest.fixture(scope="session")
def base_url(target: Target) -> str:
    return target.url


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], target: Target) -> dict[str, Any]:
    rules = [f"--host-resolver-rules=MAP {target.host} {target.connect}"] if target.connect else []
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": [*QUIET, *rules]}


@pytest.fixture
def page(page: Page) -> Page:
    """A page of a fresh browser profile; patient, for machines that are busy."""
    expect.set_options(timeout=10_000)
    page.set_default_timeout(15_000)
    return page
