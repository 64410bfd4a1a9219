"""Webhooks: events that Stripe sends by itself."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text

import local
from pay.app import create
from pay.payments import ProviderUnavailable
from pay.provider import Provider
from pay.settings import Settings
from pay.tests.trade import GOOD, SECRET


def _event(intent: str, cents: int = 4900, kind: str = "payment_intent.succeeded") -> bytes:
    it = {"id": intent, "object": "payment_intent", "amount": cents, "currency": "eur"}
    return json.dumps({"id": "evt_1", "object": "event", "type": kind, "data": {"object": it}}).encode()


def _tell(client: TestClient, body: bytes, *, secret: str = SECRET, age: int = 0) -> httpx.Response:
    """Send *body* as Stripe signs it: https://docs.stripe.com/webhooks#verify-manually."""
    at = int(time.time()) - age
    signature = hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    headers = {"stripe-signature": f"t={at},v1={signature}"}
    return client.post("/pay/webhooks/stripe", content=body, headers=headers)


@pytest.fixture
def unheard(client: TestClient, order: str, monkeypatch: pytest.MonkeyPatch, emptied: str) -> str:
    """The intent of an order whose person never got an answer."""

    def lost(*_: object) -> None:
        raise ProviderUnavailable("connection reset")

    with monkeypatch.context() as broken:
        broken.setattr(Provider, "confirm", lost)
        client.post(f"/pay/orders/{order}/payment", json=GOOD)
    engine = create_engine(emptied)
    with engine.connect() as database:
        intent: str = database.execute(text("SELECT intent_id FROM pay.orders")).scalar_one()
    engine.dispose()
    return intent


def test_webhook(client: TestClient, order: str, unheard: str) -> None:
    """A webhook settles the order once, also in parallel."""
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: _tell(client, _event(unheard)).status_code, range(4)))
    assert answers == [204] * 4
    paid = client.get(f"/pay/orders/{order}").json()
    assert (paid["status"], paid["card_last4"]) == ("paid", "4242")
    assert client.get("/pay/cart").json()["items"] == []
    assert _tell(client, _event(unheard)).status_code == 204
    assert client.get(f"/pay/orders/{order}").json() == paid


@pytest.mark.parametrize(
    ("signed", "status"),
    [({"secret": "whsec_of_somebody_else"}, 400), ({"age": 301}, 400)],
    ids=["forged", "old"],
)
def test_webhook_signature(client: TestClient, order: str, unheard: str, signed: dict[str, Any], status: int) -> None:
    """A webhook needs a fresh signature."""
    assert _tell(client, _event(unheard), **signed).status_code == status
    assert client.post("/pay/webhooks/stripe", content=_event(unheard)).status_code == status
    assert client.get(f"/pay/orders/{order}").json()["status"] == "open"


def test_webhook_of_something_else(client: TestClient, order: str, unheard: str) -> None:
    """A webhook of another payment, amount or kind changes nothing."""
    others = [_event("pi_other"), _event(unheard, cents=1), _event(unheard, kind="payment_intent.created")]
    assert [_tell(client, body).status_code for body in others] == [204] * 3
    assert client.get(f"/pay/orders/{order}").json()["status"] == "open"


def test_webhook_without_a_secret(emptied: str) -> None:
    """Without a secret no webhook is accepted."""
    settings = Settings(
        database_url=emptied, redis_url="redis://nowhere", edu_url="http://edu.test", stripe_api_key="sk_test_x"
    )  # type: ignore[arg-type]
    with TestClient(create(settings)) as client:
        assert _tell(client, _event("pi_any"), secret="").json()["code"] == "no_webhook"


def test_webhook_of_localstripe(client: TestClient, order: str, told: Any) -> None:
    """The webhook of localstripe is accepted as it comes."""
    told.events.clear()
    client.post(f"/pay/orders/{order}/payment", json=GOOD)
    local.wait_until("the webhook", lambda: told.events, seconds=10)
    signature, body = told.events[0]
    headers = {"stripe-signature": signature}
    assert client.post("/pay/webhooks/stripe", content=body, headers=headers).status_code == 204
