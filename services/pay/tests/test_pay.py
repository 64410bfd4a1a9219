"""Carts, orders and payments, against localstripe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import respx
import stripe
from fastapi.testclient import TestClient

import local
from pay.app import create
from pay.provider import Provider, ProviderUnavailable
from pay.settings import Settings

COURSE = {"slug": "releasing-without-fear", "title": "Releasing without fear", "price_cents": 4900}
OTHER = {"slug": "databases-that-change", "title": "Databases", "price_cents": 7900}
FREE = {"slug": "git-from-the-ground-up", "title": "Git", "price_cents": 0}
GOOD = {"number": "4242 4242 4242 4242", "exp_month": "12", "exp_year": "2034", "cvc": "123"}
DECLINED = GOOD | {"number": "4000000000000002"}


@pytest.fixture(scope="session")
def stripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    url = f"http://127.0.0.1:{(port := local.free_port())}"
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
        stripe_api_key="sk_test_x",
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
    assert client.get(f"/pay/orders/{order}").json()["status"] == "open"
    assert _pay(client, order, GOOD).json()["status"] == "paid"
    assert _charged(provider) == [4900]


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
