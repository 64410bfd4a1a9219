"""The service against localstripe, which tells of payments as Stripe does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, cast

import httpx
import pytest
import respx
import stripe
from fastapi.testclient import TestClient

import local
from pay.app import create
from pay.settings import Settings
from pay.tests.trade import COURSE, FREE, OTHER, SECRET


class Told(HTTPServer):
    """Server that keeps the events it received: signature and body."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.events: list[tuple[str, bytes]] = []


class Listener(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        cast("Told", self.server).events.append((self.headers["Stripe-Signature"], body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="session")
def told() -> Iterator[Told]:
    """Server that Stripe sends its events to, at the address that Stripe was given."""
    with Told(("127.0.0.1", 0), Listener) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="session")
def stripe_url(told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    url = f"http://127.0.0.1:{(port := local.free_port())}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WEBHOOK_URL", f"http://127.0.0.1:{told.server_port}/")
        environment.setenv("WEBHOOK_SECRET", SECRET)
        with local.localstripe(port, tmp_path_factory.mktemp("localstripe") / "log"):
            local.wait_until("localstripe", lambda: _answers(url))
            yield url


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/js.stripe.com/v3/", trust_env=False).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def provider(stripe_url: str) -> stripe.StripeClient:
    """Stripe itself, empty."""
    httpx.delete(f"{stripe_url}/_config/data", trust_env=False)
    return stripe.StripeClient("sk_test_x", base_addresses={"api": stripe_url})


@pytest.fixture
def client(
    emptied: str, stripe_url: str, provider: object, log_in: Callable[[TestClient], object]
) -> Iterator[TestClient]:
    settings = Settings(
        database_url=emptied, redis_url="redis://nowhere", edu_url="http://edu.test", stripe_api_base=stripe_url,
        stripe_api_key="sk_test_x", stripe_webhook_secret=SECRET,
    )  # type: ignore[arg-type]  # fmt: skip
    with respx.mock(assert_all_called=False) as edu, TestClient(create(settings)) as client:
        for course in (COURSE, OTHER, FREE):
            edu.get(f"http://edu.test/edu/courses/{course['slug']}").respond(json=course)
        edu.get(path__startswith="/edu/courses/").respond(404)
        log_in(client)
        yield client


@pytest.fixture
def order(client: TestClient) -> str:
    """The order of somebody with one course in the cart."""
    client.put(f"/pay/cart/{COURSE['slug']}")
    found: str = client.post("/pay/orders").json()["id"]
    return found
