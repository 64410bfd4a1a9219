"""A trial's people and courses can be made and removed by who has the token, and nothing else can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text

from auth import app as auth
from common.sessions import Account
from edu import app as edu
from pay import app as pay

TOKEN = "a token of more than twenty letters"
NOW = f"trial-{datetime.now(UTC):%Y%m%dt%H%M}-0123abcd"
OLD = f"trial-{datetime.now(UTC) - timedelta(hours=30):%Y%m%dt%H%M}-0123abcd"
COURSE = {"title": "Trying", "price_cents": 100, "lessons": [{"title": "One", "body": "Try."}]}
TABLES = ("auth.accounts", "edu.courses", "edu.enrollments", "pay.cart_items", "pay.orders", "pay.order_items")
LogIn = Callable[[TestClient], Account]


@pytest.fixture
def environment(emptied: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": emptied,
        "REDIS_URL": "redis://localhost",
        "PAY_URL": "http://pay",
        "EDU_URL": "http://edu",
        "STRIPE_API_KEY": "sk_test_x",
        "TRIALS_TOKEN": TOKEN,
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def clients(environment: None) -> dict[str, TestClient]:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    return {
        name: TestClient(app.create(), headers=bearer) for name, app in (("auth", auth), ("edu", edu), ("pay", pay))
    }


@pytest.fixture
def rows(emptied: str) -> Iterator[Callable[[], list[int]]]:
    engine = create_engine(emptied)

    def count() -> list[int]:
        with engine.connect() as connection:
            counts = (text(f"SELECT count(*) FROM {table}") for table in TABLES)  # noqa: S608 - our own names
            return [connection.execute(count).scalar_one() for count in counts]

    yield count
    engine.dispose()


def make(clients: dict[str, TestClient], trial: str) -> dict[str, str]:
    """One of everything that a trial may have."""
    person = {"name": "Tim", "email": f"{trial}-tim@trial.invalid", "password": "a long sentence"}
    made: dict[str, dict[str, str]] = clients["auth"].post(f"/auth/trials/{trial}/accounts", json=person).json()
    account, slug = made["account"]["id"], f"{trial}-paid"  # type: ignore[index]
    item = {"course_slug": slug, "title": "Trying", "price_cents": 100}
    for answer in (
        clients["edu"].put(f"/edu/trials/{trial}/courses/{slug}", json=COURSE),
        clients["edu"].put(f"/edu/trials/{trial}/courses/{slug}/enrollments/{account}"),
        clients["pay"].post(f"/pay/trials/{trial}/orders/{account}", json=item),
    ):
        assert answer.is_success, answer.text
    return {"token": str(made["token"]), "account": account}


def test_removed_trial(clients: dict[str, TestClient], rows: Callable[[], list[int]]) -> None:
    """A removed trial leaves no row."""
    before = rows()
    make(clients, NOW)
    assert rows() == [count + 1 for count in before]

    for name, client in clients.items():
        assert client.delete(f"/{name}/trials/{NOW}").status_code == 204
    assert rows() == before


def test_swept_trials(clients: dict[str, TestClient], rows: Callable[[], list[int]]) -> None:
    """Only old trials are swept."""
    before = rows()
    make(clients, NOW)
    make(clients, OLD)
    for name, client in clients.items():
        assert client.delete(f"/{name}/trials", params={"older_than_hours": 24}).status_code == 204
    assert rows() == [count + 1 for count in before]

    for name, client in clients.items():
        client.delete(f"/{name}/trials/{NOW}")
    assert rows() == before


def test_order_with_a_foreign_item(clients: dict[str, TestClient], rows: Callable[[], list[int]], emptied: str) -> None:
    """An order with a course of the catalogue stays whole."""
    make(clients, NOW)
    engine = create_engine(emptied)
    with engine.begin() as connection:
        copied = "SELECT order_id, 'reading-logs', title, price_cents FROM pay.order_items"
        connection.execute(text(f"INSERT INTO pay.order_items {copied}"))
    engine.dispose()
    clients["pay"].delete(f"/pay/trials/{NOW}")

    assert rows()[-2:] == [1, 2]
    clients["edu"].delete(f"/edu/trials/{NOW}")


def test_courses_of_a_trial(clients: dict[str, TestClient], log_in: LogIn) -> None:
    """The courses of a trial are listed for its people only."""
    token = make(clients, NOW)["token"]
    shop = TestClient(edu.create())

    def listed() -> list[str]:
        return [course["slug"] for course in shop.get("/edu/courses").json()]

    assert f"{NOW}-paid" not in listed()
    log_in(shop)
    assert f"{NOW}-paid" not in listed()
    shop.headers["authorization"] = f"Bearer {token}"
    assert f"{NOW}-paid" in listed()
    clients["edu"].delete(f"/edu/trials/{NOW}")


@pytest.mark.parametrize(
    ("service", "method", "path", "body"),
    [
        pytest.param("auth", "POST", f"/{NOW}/accounts", {"email": "ada@example.com"}, id="a person of the world"),
        pytest.param("auth", "POST", f"/{NOW}/accounts", {"email": f"{OLD}-x@trial.invalid"}, id="of another trial"),
        pytest.param("edu", "PUT", f"/{NOW}/courses/reading-logs", COURSE, id="a course of the catalogue"),
        pytest.param("auth", "DELETE", "/ada", None, id="a name that is no trial's"),
        pytest.param("edu", "DELETE", "/trial-", None, id="every trial"),
        pytest.param("pay", "DELETE", "/trial-%25", None, id="a pattern"),
        pytest.param("auth", "DELETE", "?older_than_hours=0", None, id="trials that still run"),
    ],
)
def test_request_outside_a_trial(
    clients: dict[str, TestClient], service: str, method: str, path: str, body: dict[str, object] | None
) -> None:
    """Requests about anything but one trial are refused."""
    sent = body and {"name": "Ada", "password": "a long sentence", **body}
    assert clients[service].request(method, f"/{service}/trials{path}", json=sent).status_code == 422


@pytest.mark.parametrize("bearer", ["", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_request_without_the_token(clients: dict[str, TestClient], bearer: str) -> None:
    """A request without the token is refused."""
    for name, client in clients.items():
        client.headers["authorization"] = bearer
        assert client.delete(f"/{name}/trials/{NOW}").status_code == 401


def test_service_without_a_token(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service without a token has no such routes."""
    monkeypatch.delenv("TRIALS_TOKEN")
    for name, app in (("auth", auth), ("edu", edu), ("pay", pay)):
        assert TestClient(app.create()).delete(f"/{name}/trials/{NOW}").status_code == 404
