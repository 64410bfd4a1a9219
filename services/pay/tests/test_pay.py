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
