"""The pages and the edge, with the API answered by literal data."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import respx
from fakeredis import FakeRedis
from fastapi.testclient import TestClient
from redis.exceptions import ConnectionError as RedisConnectionError

from local import wait_until
from web.app import create
from web.assets import Asset, Assets
from web.settings import Settings
from web.site import BANNER, HERE, local

COURSE = {
    "slug": "git", "title": "Git <b>bold</b>", "summary": "Sum.", "level": "Beginner", "minutes": 90,
    "price_cents": 4900, "description": "Long.", "lessons": [{"number": 1, "title": "One"}], "enrolled": False,
}  # fmt: skip
ORDER = {
    "id": "6f1c", "status": "open", "amount_cents": 4900, "card_last4": None, "paid_at": None,
    "items": [{"course_slug": "git", "title": "Git", "price_cents": 4900}],
}  # fmt: skip
PAID = ORDER | {"status": "paid", "card_last4": "4242", "paid_at": "2026-11-24T08:00:00Z"}
API = "http://api.test/api"


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        router.get(f"{API}/edu/courses").respond(json=[COURSE])
        router.get(f"{API}/edu/courses/git").respond(json=COURSE)
        router.get(f"{API}/auth/sessions/current").respond(json={"name": "Ada", "email": "ada@example.test"})
        yield router


@pytest.fixture
def client(api: respx.MockRouter) -> Iterator[TestClient]:
    settings = Settings(
        api_url="http://api.test", redis_url="redis://nowhere", azora_color="green", azora_release="3f2a1c"
    )  # type: ignore[arg-type]
    with TestClient(create(settings), follow_redirects=False) as client:
        yield client


@pytest.fixture
def member(client: TestClient) -> TestClient:
    client.cookies.set("azora_session", "t")
    return client


def _send(client: TestClient, path: str, page: str = "/login", **fields: str) -> httpx.Response:
    """Send a form as a browser does: with the token that the page's form holds."""
    token = re.search(r'name="csrf" value="([^"]+)"', client.get(page).text)
    return client.post(path, data={"csrf": token[1] if token else "", **fields})


def test_home(client: TestClient) -> None:
    """The home page shows release and color, and escapes its texts."""
    page = client.get("/")
    assert BANNER in page.text
    assert "Release <code>3f2a1c</code>" in page.text
    assert 'class="dot green"' in page.text
    assert "Git &lt;b&gt;bold&lt;/b&gt;" in page.text
    assert "€49.00" in page.text
    assert "1 h 30 min" in page.text
    assert (page.headers["x-azora-color"], page.headers["x-azora-release"]) == ("green", "3f2a1c")


def test_content_security(client: TestClient) -> None:
    """Pages load nothing from elsewhere."""
    page = client.get("/")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text)
    assert "<script" not in page.text
    assert " style=" not in page.text


def _assets(page: httpx.Response) -> list[str]:
    found: list[str] = re.findall(r'href="(/static/[^"]+)"', page.text)
    return found


def test_assets(client: TestClient) -> None:
    """Assets are named by content and cached for good."""
    answers = [client.get(address) for address in _assets(client.get("/"))]
    assert [answer.headers["content-type"] for answer in answers] == ["text/css; charset=utf-8", "image/svg+xml"]
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=31536000, immutable"}


def test_assets_of_the_other_color(redis: FakeRedis, tmp_path: Path) -> None:
    """Each color serves the assets of the other, and nothing that only has such a name."""
    (tmp_path / "site.css").write_text("/* the release before */")
    before, now = Assets(tmp_path, redis), Assets(HERE / "static", redis)
    before.lend()
    found = asyncio.run(now.find(before.address("site.css").rpartition("/")[2]))
    assert found == Asset("/* the release before */", "text/css", exact=True)
    assert 6 * 86400 < redis.ttl(f"asset:{before.address('site.css').rpartition('/')[2]}") <= 7 * 86400
    redis.set("asset:site.0123456789ab.css", "forged")
    forged = asyncio.run(now.find("site.0123456789ab.css"))
    assert forged is not None
    assert (forged.exact, "forged" in forged.content) == (False, False)


def test_assets_of_a_new_process(client: TestClient, redis: FakeRedis) -> None:
    """A process shares its assets as soon as it runs."""
    names = {f"asset:{address.rpartition('/')[2]}" for address in _assets(client.get("/"))}
    wait_until("the assets", lambda: names <= set(redis.scan_iter("asset:*")), seconds=5)


def test_assets_of_an_unknown_release(client: TestClient) -> None:
    """The asset of an unknown release is this release's, and not cached."""
    own = client.get(_assets(client.get("/"))[0])
    other = client.get("/static/site.0123456789ab.css")
    assert (other.status_code, other.content, other.headers["cache-control"]) == (200, own.content, "no-cache")
    assert client.get("/static/other.0123456789ab.css").status_code == 404
    assert client.get("/static/site.css").status_code == 404


def test_assets_without_redis(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Assets are served without Redis."""

    def away(*_: object, **__: object) -> None:
        raise RedisConnectionError

    monkeypatch.setattr(FakeRedis, "get", away)
    assert [client.get(address).status_code for address in _assets(client.get("/"))] == [200, 200]
    assert client.get("/static/site.0123456789ab.css").status_code == 200


def test_cache_of_a_member_s_page(member: TestClient) -> None:
    """A member's page is not cached."""
    assert member.get("/").headers["cache-control"] == "no-store"
    member.cookies.clear()
    assert member.get("/").headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("path", ["/login", "/register", "/logout", "/courses/git/enroll", "/cart/git", "/checkout"])
def test_form_without_its_token(member: TestClient, api: respx.MockRouter, path: str) -> None:
    """A form without its page's token is refused."""
    member.get("/login")
    for forged in ({}, {"csrf": "guessed"}):
        assert member.post(path, data=forged).status_code == 403
    assert not [call for call in api.calls if call.request.method != "GET"]


def test_login_cookie(client: TestClient, api: respx.MockRouter) -> None:
    """The session's cookie is not for scripts and not for other sites."""
    api.post(f"{API}/auth/sessions").respond(201, json={"token": "t", "expires_in": 60})
    answer = _send(client, "/login", email="ada@example.test", password="secret", next="/cart")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cart")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("azora_session=t;")
    assert {"HttpOnly", "SameSite=lax", "Max-Age=60"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_login_cookie_over_https(api: respx.MockRouter) -> None:
    """Over https, as the proxy in front reports it, cookies are for https only."""
    settings = {"api_url": "http://api.test", "redis_url": "redis://nowhere"}
    for always, forwarded, secure in ((False, "https", True), (False, "http", False), (True, "http", True)):
        with TestClient(create(Settings(cookie_secure=always, **settings))) as client:  # type: ignore[arg-type]
            cookie = client.get("/", headers={"x-forwarded-proto": forwarded}).headers["set-cookie"]
        assert ("Secure" in cookie) is secure


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 303)])
def test_form_of_another_site(client: TestClient, api: respx.MockRouter, site: str, status: int) -> None:
    """A form of another site is refused, whatever its token."""
    api.post(f"{API}/auth/sessions").respond(201, json={"token": "t", "expires_in": 60})
    client.headers["sec-fetch-site"] = site
    assert _send(client, "/login", email="ada@example.test", password="secret").status_code == status


def test_login_with_wrong_credentials(client: TestClient, api: respx.MockRouter) -> None:
    """Wrong credentials give the page again with the error."""
    api.post(f"{API}/auth/sessions").respond(401, json={"code": "invalid_credentials", "detail": "Wrong."})
    answer = _send(client, "/login", email="ada@example.test", password="secret")
    assert answer.status_code == 401
    assert 'role="alert">Wrong.' in answer.text
    assert "secret" not in answer.text


def test_registration(client: TestClient, api: respx.MockRouter) -> None:
    """A registered person is logged in."""
    made = api.post(f"{API}/auth/accounts").respond(201, json={})
    api.post(f"{API}/auth/sessions").respond(201, json={"token": "t", "expires_in": 60})
    answer = _send(client, "/register", name="Ada", email="ada@example.test", password="a good sentence")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert b'"name":"Ada"' in made.calls.last.request.content


def test_logout(member: TestClient, api: respx.MockRouter) -> None:
    """A logout ends the session and removes the cookie."""
    ended = api.delete(f"{API}/auth/sessions/current").respond(204)
    answer = _send(member, "/logout", page="/")
    assert ended.calls.last.request.headers["authorization"] == "Bearer t"
    assert 'azora_session=""; expires=' in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("asked", "then"),
    [("/cart", "/cart"), ("//evil.test", "/"), ("/\\evil.test", "/"), ("https://evil.test", "/"), ("", "/")],
)
def test_page_after_a_login(asked: str, then: str) -> None:
    """After a login people stay on this site."""
    assert local(asked) == then


@pytest.mark.parametrize("page", ["/learning", "/cart", "/courses/git/lessons/1", "/receipt/6f1c"])
def test_page_that_needs_a_login(client: TestClient, api: respx.MockRouter, page: str) -> None:
    """A page for members leads to the login and back."""
    api.get(path__startswith="/api/").respond(401, json={"code": "not_logged_in", "detail": "Log in first."})
    answer = client.get(page)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={page}")


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_login_of_a_member(member: TestClient, path: str) -> None:
    """A member who opens the login is sent on."""
    assert member.get(f"{path}?next=/cart").headers["location"] == "/cart"


def test_form_with_a_wrong_field(client: TestClient, api: respx.MockRouter) -> None:
    """The error is at its field."""
    problem = {"code": "invalid", "detail": "", "errors": [{"field": "email", "message": "String should match"}]}
    api.post(f"{API}/auth/accounts").respond(422, json=problem)
    page = _send(client, "/register", page="/register", name="Ada", email="ada@bad", password="a good sentence").text
    assert 'value="ada@bad" aria-invalid="true" autofocus aria-describedby="email-error"' in page
    assert '<p class="wrong" id="email-error">This is not an e-mail address.</p>' in page
    assert "<title>Error: Register" in page
    assert "a good sentence" not in page


def test_cart_with_a_bought_course(member: TestClient, api: respx.MockRouter) -> None:
    """A bought course is shown and not put in the cart."""
    api.put(f"{API}/pay/cart/git").respond(409, json={"code": "bought_already", "detail": ""})
    assert _send(member, "/cart/git", page="/courses/git").headers["location"] == "/courses/git"


def test_checkout_amount(member: TestClient, api: respx.MockRouter) -> None:
    """The amount of the page is sent, and an error of it is shown."""
    api.get(f"{API}/pay/orders/6f1c").respond(json=ORDER)
    paying = api.post(f"{API}/pay/orders/6f1c/payment")
    paying.respond(409, json={"code": "order_changed", "detail": "The order has changed."})
    assert 'name="amount_cents" value="4900"' in member.get("/checkout/6f1c").text
    answer = _send(member, "/checkout/6f1c", page="/checkout/6f1c", number="4242", amount_cents="4900")
    assert json.loads(paying.calls.last.request.content)["amount_cents"] == "4900"
    assert 'role="alert">The order has changed.' in answer.text


def test_enrollment(member: TestClient, api: respx.MockRouter) -> None:
    """An enrollment leads to the first lesson."""
    enrolled = api.put(f"{API}/edu/courses/git/enrollment").respond(204)
    answer = _send(member, "/courses/git/enroll", page="/courses/git")
    assert answer.headers["location"] == "/courses/git/lessons/1"
    assert enrolled.called


def test_lesson_before_the_enrollment(member: TestClient, api: respx.MockRouter) -> None:
    """A lesson before the enrollment leads to the course."""
    api.get(f"{API}/edu/courses/git/lessons/1").respond(403, json={"code": "not_enrolled", "detail": ""})
    assert member.get("/courses/git/lessons/1").headers["location"] == "/courses/git"


def test_checkout_receipt(member: TestClient, api: respx.MockRouter) -> None:
    """A payment leads to the receipt."""
    api.get(f"{API}/pay/orders/6f1c").mock(side_effect=[httpx.Response(200, json=o) for o in (ORDER, PAID)])
    api.post(f"{API}/pay/orders/6f1c/payment").respond(json=PAID)
    answer = _send(member, "/checkout/6f1c", page="/checkout/6f1c", number="4242 4242 4242 4242")
    assert answer.headers["location"] == "/receipt/6f1c"
    receipt = member.get("/receipt/6f1c").text
    assert "The payment of €49.00 went through." in receipt
    assert "ending in 4242" in receipt


@pytest.mark.parametrize(
    ("problem", "shown"),
    [
        ({"code": "card_declined", "detail": "Your card was declined."}, "Your card was declined."),
        ({"code": "invalid", "detail": "", "errors": [{"field": "cvc", "message": "bad"}]}, "Check the card"),
    ],
    ids=["declined", "invalid"],
)
def test_checkout_with_a_refused_card(
    member: TestClient, api: respx.MockRouter, problem: dict[str, object], shown: str
) -> None:
    """A refused card can be replaced, and is not repeated on the page."""
    api.get(f"{API}/pay/orders/6f1c").respond(json=ORDER)
    api.post(f"{API}/pay/orders/6f1c/payment").respond(402 if problem["detail"] else 422, json=problem)
    answer = _send(member, "/checkout/6f1c", page="/checkout/6f1c", number="4000000000000002")
    assert answer.status_code in (402, 422)
    assert f'role="alert">{shown}' in answer.text
    assert "4000000000000002" not in answer.text


def test_receipt_of_an_open_order(member: TestClient, api: respx.MockRouter) -> None:
    """The receipt of an open order leads to the checkout."""
    api.get(f"{API}/pay/orders/6f1c").respond(json=ORDER)
    assert member.get("/receipt/6f1c").headers["location"] == "/checkout/6f1c"


@pytest.mark.parametrize("away", [httpx.ConnectError, httpx.Response(503, json={})], ids=["away", "failing"])
def test_page_without_the_platform(client: TestClient, api: respx.MockRouter, away: object) -> None:
    """A page without the platform is an error that asks for a little patience."""
    api.get(f"{API}/edu/courses").mock(side_effect=[away, away])  # type: ignore[list-item]
    answer = client.get("/")
    assert answer.status_code == 503
    assert "try again in a moment" in answer.text


def test_page_that_crashes(client: TestClient, api: respx.MockRouter) -> None:
    """The page of a crash has no internals."""
    api.get(f"{API}/edu/courses").respond(json=[{"secret": 1}])
    answer = TestClient(client.app, raise_server_exceptions=False).get("/")
    assert (answer.status_code, answer.headers["x-azora-color"]) == (500, "green")
    assert "Something broke on our side" in answer.text
    assert "secret" not in answer.text


def test_unknown_pages(client: TestClient) -> None:
    """An unknown page is a page with status 404."""
    answer = client.get("/nowhere")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_edge(member: TestClient, api: respx.MockRouter) -> None:
    """The edge forwards the API's answers without cookies, and no operational route."""
    route = api.get(f"{API}/health").respond(503, json={"status": "failing"})
    answer = member.get("/api/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "failing"})
    assert "cookie" not in route.calls.last.request.headers
    assert member.get("/api/..%2fmetrics").status_code == 404


def test_slow_page(client: TestClient) -> None:
    """The slow page has an upper bound."""
    assert client.get("/slow?seconds=0.1").text.splitlines()[-1] == "done"
    assert client.get("/slow?seconds=31").status_code == 422
