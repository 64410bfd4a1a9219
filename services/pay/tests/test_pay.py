"""Carts, orders and payments, against localstripe."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, cast

import httpx
import pytest
import respx
import stripe
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text

import local
from pay.app import create
from pay.payments import ProviderUnavailable
from pay.provider import Provider
from pay.settings import Settings

COURSE = {"slug": "releasing-without-fear", "title": "Releasing without fear", "price_cents": 4900}
OTHER = {"slug": "databases-that-change", "title": "Databases", "price_cents": 7900}
FREE = {"slug": "git-from-the-ground-up", "title": "Git", "price_cents": 0}
GOOD = {"number": "4242 4242 4242 4242", "exp_month": "12", "exp_year": "2034", "cvc": "123"}
DECLINED = GOOD | {"number": "4000000000000002"}
SECRET = "whsec_a_secret_of_this_test"


class Told(HTTPServer):
    """What was sent to it: signature and body."""

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
    """What Stripe sends to the address that it was given."""
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


def _put(client: TestClient, course: dict[str, object]) -> httpx.Response:
    return client.put(f"/pay/cart/{course['slug']}")


@pytest.fixture
def order(client: TestClient) -> str:
    """The order of somebody with one course in the cart."""
    _put(client, COURSE)
    found: str = client.post("/pay/orders").json()["id"]
    return found


def _pay(client: TestClient, order: str, card: dict[str, str]) -> httpx.Response:
    return client.post(f"/pay/orders/{order}/payment", json=card)


def _charged(provider: stripe.StripeClient) -> list[int]:
    return [intent.amount for intent in provider.v1.payment_intents.list().data if intent.status == "succeeded"]


def test_the_cart_has_edus_prices_and_each_course_once(client: TestClient) -> None:
    for course in (COURSE, COURSE, OTHER):
        assert _put(client, course).status_code == 204
    cart = client.get("/pay/cart").json()
    assert ([item["price_cents"] for item in cart["items"]], cart["total_cents"]) == ([4900, 7900], 12800)
    client.delete(f"/pay/cart/{OTHER['slug']}")
    assert client.get("/pay/cart").json()["total_cents"] == 4900


def test_free_and_unknown_courses_are_not_sold(client: TestClient) -> None:
    assert _put(client, FREE).json()["code"] == "free"
    assert client.put("/pay/cart/none").json()["code"] == "no_such_course"
    assert client.post("/pay/orders").json()["code"] == "cart_empty"


def test_checking_out_again_is_the_same_order_until_the_cart_changes(client: TestClient, order: str) -> None:
    assert client.post("/pay/orders").json()["id"] == order
    _put(client, OTHER)
    changed = client.post("/pay/orders").json()
    assert (changed["id"], changed["amount_cents"]) == (order, 12800)


def test_paying_moves_the_money_once(client: TestClient, order: str, provider: stripe.StripeClient) -> None:
    paid = _pay(client, order, GOOD).json()
    assert (paid["status"], paid["card_last4"]) == ("paid", "4242")
    assert _pay(client, order, GOOD).json() == paid
    assert _charged(provider) == [4900]
    assert client.get("/pay/cart").json()["items"] == []
    assert client.get("/pay/purchases").json() == [COURSE["slug"]]
    assert _put(client, COURSE).json()["code"] == "bought_already"


def test_paying_at_once_moves_the_money_once(client: TestClient, order: str, provider: stripe.StripeClient) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: _pay(client, order, GOOD), range(4)))
    assert [answer.json()["status"] for answer in answers] == ["paid"] * 4
    assert _charged(provider) == [4900]


def test_checking_out_at_once_is_one_order(client: TestClient) -> None:
    _put(client, COURSE)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: client.post("/pay/orders").json()["id"], range(4)))
    assert len(set(answers)) == 1


def test_a_declined_card_costs_nothing_and_another_may_be_tried(
    client: TestClient, order: str, provider: stripe.StripeClient
) -> None:
    answer = _pay(client, order, DECLINED)
    assert (answer.status_code, answer.json()["code"]) == (402, "card_declined")
    assert client.get("/pay/purchases").json() == []
    assert client.get("/pay/cart").json()["total_cents"] == 4900
    assert _pay(client, order, GOOD).json()["status"] == "paid"
    assert _charged(provider) == [4900]


def test_an_answer_lost_after_the_money_moved_is_found_again(
    client: TestClient, order: str, provider: stripe.StripeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm = Provider.confirm

    def lost(self: Provider, intent_id: str, key: str) -> None:
        confirm(self, intent_id, key)
        raise ProviderUnavailable("connection reset")

    with monkeypatch.context() as broken:
        broken.setattr(Provider, "confirm", lost)
        assert _pay(client, order, GOOD).status_code == 503
    assert client.get("/pay/purchases").json() == [COURSE["slug"]]
    assert client.get(f"/pay/orders/{order}").json()["card_last4"] == "4242"
    assert client.get("/pay/cart").json()["items"] == []
    assert _pay(client, order, GOOD).json()["status"] == "paid"
    assert _charged(provider) == [4900]


def test_another_card_never_repeats_the_key_of_one_whose_answer_was_lost(
    client: TestClient, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe refuses a key that comes again with another card, for a day."""
    keys: list[str] = []

    def lost(_: Provider, *arguments: object) -> None:
        keys.append(str(arguments[-1]))
        raise ProviderUnavailable("connection reset")

    monkeypatch.setattr(Provider, "prepare", lost)
    assert [_pay(client, order, card).status_code for card in (DECLINED, GOOD)] == [503, 503]
    assert len(set(keys)) == 2


def test_nobody_pays_another_price_than_the_one_that_was_shown(
    client: TestClient, order: str, provider: stripe.StripeClient
) -> None:
    _put(client, OTHER)
    client.post("/pay/orders")
    answer = _pay(client, order, GOOD | {"amount_cents": "4900"})
    assert (answer.status_code, answer.json()["code"]) == (409, "order_changed")
    assert _charged(provider) == []


def test_what_is_bought_by_now_is_not_sold_again(client: TestClient, order: str, emptied: str) -> None:
    """The course was put into the cart once more while it was being paid."""
    _pay(client, order, GOOD)
    engine = create_engine(emptied)
    with engine.begin() as database:
        again = "SELECT account_id, course_slug, title, 4900 FROM pay.orders JOIN pay.order_items ON id = order_id"
        database.execute(text(f"INSERT INTO pay.cart_items (account_id, course_slug, title, price_cents) {again}"))
    engine.dispose()
    assert client.post("/pay/orders").json()["code"] == "cart_empty"


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
        _pay(client, order, GOOD)
    engine = create_engine(emptied)
    with engine.connect() as database:
        intent: str = database.execute(text("SELECT intent_id FROM pay.orders")).scalar_one()
    engine.dispose()
    return intent


def test_a_webhook_settles_the_order_once(client: TestClient, order: str, unheard: str) -> None:
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
def test_a_webhook_needs_a_fresh_signature(
    client: TestClient, order: str, unheard: str, signed: dict[str, Any], status: int
) -> None:
    assert _tell(client, _event(unheard), **signed).status_code == status
    assert client.post("/pay/webhooks/stripe", content=_event(unheard)).status_code == status
    assert client.get(f"/pay/orders/{order}").json()["status"] == "open"


def test_a_webhook_of_something_else_changes_nothing(client: TestClient, order: str, unheard: str) -> None:
    others = [_event("pi_other"), _event(unheard, cents=1), _event(unheard, kind="payment_intent.created")]
    assert [_tell(client, body).status_code for body in others] == [204] * 3
    assert client.get(f"/pay/orders/{order}").json()["status"] == "open"


def test_without_a_secret_no_webhook_is_taken(emptied: str) -> None:
    settings = Settings(
        database_url=emptied, redis_url="redis://nowhere", edu_url="http://edu.test", stripe_api_key="sk_test_x"
    )  # type: ignore[arg-type]
    with TestClient(create(settings)) as client:
        assert _tell(client, _event("pi_any"), secret="").json()["code"] == "no_webhook"


def test_what_stripe_tells_is_taken_as_it_comes(client: TestClient, order: str, told: Told) -> None:
    told.events.clear()
    _pay(client, order, GOOD)
    local.wait_until("the webhook", lambda: told.events, seconds=10)
    signature, body = told.events[0]
    headers = {"stripe-signature": signature}
    assert client.post("/pay/webhooks/stripe", content=body, headers=headers).status_code == 204


def test_a_died_attempt_is_given_up_before_the_next(
    client: TestClient, order: str, provider: stripe.StripeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def died(*_: object) -> None:
        raise ProviderUnavailable("no answer")

    with monkeypatch.context() as broken:
        broken.setattr(Provider, "confirm", died)
        _pay(client, order, GOOD)
    assert _pay(client, order, GOOD).json()["status"] == "paid"
    assert sorted(intent.status for intent in provider.v1.payment_intents.list().data) == ["canceled", "succeeded"]


@pytest.mark.parametrize(
    "wrong",
    [{"number": "4242"}, {"exp_month": "13"}, {"exp_year": "1999"}, {"cvc": "x"}],
    ids=["number", "month", "year", "code"],
)
def test_a_card_is_checked_without_repeating_it(client: TestClient, order: str, wrong: dict[str, str]) -> None:
    answer = _pay(client, order, GOOD | wrong)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == list(wrong)
    assert "4242" not in answer.text


def test_orders_are_their_owners(client: TestClient, order: str, log_in: Callable[[TestClient], object]) -> None:
    log_in(client)
    assert client.get(f"/pay/orders/{order}").status_code == 404
    assert _pay(client, order, GOOD).status_code == 404


def test_without_the_provider_nothing_is_promised(
    client: TestClient, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise ProviderUnavailable("no answer")

    monkeypatch.setattr(Provider, "prepare", away)
    assert _pay(client, order, GOOD).status_code == 503
    assert client.get(f"/pay/orders/{order}").json()["status"] == "open"
