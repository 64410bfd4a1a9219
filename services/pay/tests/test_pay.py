"""Carts, orders and payments, against localstripe."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text

from pay.payments import ProviderUnavailable
from pay.provider import Provider
from pay.tests.trade import COURSE, DECLINED, FREE, GOOD, OTHER


def _put(client: TestClient, course: dict[str, object]) -> httpx.Response:
    return client.put(f"/pay/cart/{course['slug']}")


def _pay(client: TestClient, order: str, card: dict[str, str]) -> httpx.Response:
    return client.post(f"/pay/orders/{order}/payment", json=card)


def _charged(provider: stripe.StripeClient) -> list[int]:
    return [intent.amount for intent in provider.v1.payment_intents.list().data if intent.status == "succeeded"]


def test_cart(client: TestClient) -> None:
    """The cart has edu's prices and each course once."""
    for course in (COURSE, COURSE, OTHER):
        assert _put(client, course).status_code == 204
    cart = client.get("/pay/cart").json()
    assert ([item["price_cents"] for item in cart["items"]], cart["total_cents"]) == ([4900, 7900], 12800)
    client.delete(f"/pay/cart/{OTHER['slug']}")
    assert client.get("/pay/cart").json()["total_cents"] == 4900


def test_cart_without_a_price(client: TestClient) -> None:
    """Free and unknown courses are not sold."""
    assert _put(client, FREE).json()["code"] == "free"
    assert client.put("/pay/cart/none").json()["code"] == "no_such_course"
    assert client.post("/pay/orders").json()["code"] == "cart_empty"


def test_order_of_a_changed_cart(client: TestClient, order: str) -> None:
    """The next checkout is the same order, with what the cart holds by then."""
    assert client.post("/pay/orders").json()["id"] == order
    _put(client, OTHER)
    changed = client.post("/pay/orders").json()
    assert (changed["id"], changed["amount_cents"]) == (order, 12800)


def test_payment(client: TestClient, order: str, provider: stripe.StripeClient) -> None:
    """A payment charges once and opens the course."""
    paid = _pay(client, order, GOOD).json()
    assert (paid["status"], paid["card_last4"]) == ("paid", "4242")
    assert _pay(client, order, GOOD).json() == paid
    assert _charged(provider) == [4900]
    assert client.get("/pay/cart").json()["items"] == []
    assert client.get("/pay/purchases").json() == [COURSE["slug"]]
    assert _put(client, COURSE).json()["code"] == "bought_already"


def test_payment_at_once(client: TestClient, order: str, provider: stripe.StripeClient) -> None:
    """Parallel payments charge once."""
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: _pay(client, order, GOOD), range(4)))
    assert [answer.json()["status"] for answer in answers] == ["paid"] * 4
    assert _charged(provider) == [4900]


def test_order_at_once(client: TestClient) -> None:
    """Parallel checkouts are one order."""
    _put(client, COURSE)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: client.post("/pay/orders").json()["id"], range(4)))
    assert len(set(answers)) == 1


def test_payment_that_is_declined(client: TestClient, order: str, provider: stripe.StripeClient) -> None:
    """A declined card costs nothing, and another card can pay."""
    answer = _pay(client, order, DECLINED)
    assert (answer.status_code, answer.json()["code"]) == (402, "card_declined")
    assert client.get("/pay/purchases").json() == []
    assert client.get("/pay/cart").json()["total_cents"] == 4900
    assert _pay(client, order, GOOD).json()["status"] == "paid"
    assert _charged(provider) == [4900]


def test_payment_with_a_lost_answer(
    client: TestClient, order: str, provider: stripe.StripeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A charge with a lost answer is found again, and is charged once."""
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


def test_payment_key_of_another_card(client: TestClient, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another card has another key: Stripe refuses a reused one for a day."""
    keys: list[str] = []

    def lost(_: Provider, *arguments: object) -> None:
        keys.append(str(arguments[-1]))
        raise ProviderUnavailable("connection reset")

    monkeypatch.setattr(Provider, "prepare", lost)
    assert [_pay(client, order, card).status_code for card in (DECLINED, GOOD)] == [503, 503]
    assert len(set(keys)) == 2


def test_payment_of_a_changed_order(client: TestClient, order: str, provider: stripe.StripeClient) -> None:
    """Nobody pays another price than the one on the page."""
    _put(client, OTHER)
    client.post("/pay/orders")
    answer = _pay(client, order, GOOD | {"amount_cents": "4900"})
    assert (answer.status_code, answer.json()["code"]) == (409, "order_changed")
    assert _charged(provider) == []


def test_order_of_a_bought_course(client: TestClient, order: str, emptied: str) -> None:
    """A course that was bought meanwhile is not sold again."""
    _pay(client, order, GOOD)
    engine = create_engine(emptied)
    with engine.begin() as database:
        again = "SELECT account_id, course_slug, title, 4900 FROM pay.orders JOIN pay.order_items ON id = order_id"
        database.execute(text(f"INSERT INTO pay.cart_items (account_id, course_slug, title, price_cents) {again}"))
    engine.dispose()
    assert client.post("/pay/orders").json()["code"] == "cart_empty"


def test_payment_after_a_dead_attempt(
    client: TestClient, order: str, provider: stripe.StripeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt without an answer is cancelled before the next one."""

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
def test_card_that_is_wrong(client: TestClient, order: str, wrong: dict[str, str]) -> None:
    """The error names the wrong field and repeats nothing of the card."""
    answer = _pay(client, order, GOOD | wrong)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == list(wrong)
    assert "4242" not in answer.text


def test_order_of_somebody_else(client: TestClient, order: str, log_in: Callable[[TestClient], object]) -> None:
    """An order is its owner's alone."""
    log_in(client)
    assert client.get(f"/pay/orders/{order}").status_code == 404
    assert _pay(client, order, GOOD).status_code == 404


def test_payment_without_the_provider(client: TestClient, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the provider the order stays open."""

    def away(*_: object) -> None:
        raise ProviderUnavailable("no answer")

    monkeypatch.setattr(Provider, "prepare", away)
    assert _pay(client, order, GOOD).status_code == 503
    assert client.get(f"/pay/orders/{order}").json()["status"] == "open"
