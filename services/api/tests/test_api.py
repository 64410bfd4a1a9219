"""The gateway."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import respx
from fastapi.testclient import TestClient

from api.app import create
from api.settings import Settings

SIBLINGS = ("auth", "edu", "pay")


def _ready(status: str = "ok") -> httpx.Response:
    body = {"status": status, "release": "r1", "color": "blue", "checks": {"redis": "ok"}}
    return httpx.Response(200 if status == "ok" else 503, json=body)


@pytest.fixture
def client() -> Iterator[TestClient]:
    urls = {f"{name}_url": f"http://{name}.test" for name in SIBLINGS}
    with TestClient(create(Settings(azora_release="r1", azora_color="blue", **urls))) as client:  # type: ignore[arg-type]
        yield client


@pytest.fixture(autouse=True)
def siblings() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        for name in SIBLINGS:
            router.get(f"http://{name}.test/readyz", name=name).mock(return_value=_ready())
        yield router


def test_health_of_a_stack(client: TestClient) -> None:
    """The health of a stack has release and color of each service."""
    answer = client.get("/api/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert {(s["release"], s["color"]) for s in answer.json()["services"].values()} == {("r1", "blue")}
    assert list(answer.json()["services"]) == ["api", *SIBLINGS]


@pytest.mark.parametrize(
    "found",
    [
        {"return_value": _ready("failing")},
        {"side_effect": httpx.ConnectError},
        {"side_effect": httpx.ReadTimeout},
        {"return_value": httpx.Response(502, text="<html>")},
        {"return_value": _ready("draining")},
    ],
    ids=["failing", "away", "slow", "not JSON", "draining for good"],
)
def test_health_with_a_failing_service(
    client: TestClient, siblings: respx.MockRouter, found: dict[str, object]
) -> None:
    """One failing service makes the stack failing."""
    siblings["edu"].mock(**found)  # type: ignore[arg-type]
    answer = client.get("/api/health")
    assert answer.status_code == 503
    states = {name: service["status"] for name, service in answer.json()["services"].items()}
    assert states == {"api": "ok", "auth": "ok", "edu": "failing", "pay": "ok"}


def test_health_with_a_draining_pod(client: TestClient, siblings: respx.MockRouter) -> None:
    """A draining pod is no failing service."""
    siblings["edu"].mock(side_effect=[_ready("draining"), _ready()])
    assert client.get("/api/health").status_code == 200


def test_forwarded_request(client: TestClient, siblings: respx.MockRouter) -> None:
    """A request is forwarded with its body, token and id, and without cookies."""
    route = siblings.post("http://pay.test/pay/orders").respond(201, json={"id": 1})
    answer = client.post(
        "/api/pay/orders?x=1", json={"a": 1},
        headers={"authorization": "Bearer t", "cookie": "azora_session=t", "x-request-id": "id-1"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()) == (201, {"id": 1})
    sent = route.calls.last.request
    assert (sent.url.query, sent.content, sent.headers["authorization"]) == (b"x=1", b'{"a":1}', "Bearer t")
    assert sent.headers["x-request-id"] == "id-1"
    assert "cookie" not in sent.headers


def test_forwarded_operational_route(client: TestClient, siblings: respx.MockRouter) -> None:
    """Operational routes of a sibling cannot be reached."""
    route = siblings.route(host="auth.test", path__regex=r"^/auth/").respond(404)
    assert client.get("/api/auth/..%2fmetrics").status_code == 404
    assert client.get("/api/auth/metrics").status_code == 404
    assert client.get("/api/metrics").status_code == 404
    assert all(call.request.url.raw_path != b"/metrics" for call in route.calls)


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("PUT", 2), ("POST", 1)])
def test_forwarded_request_that_breaks(client: TestClient, siblings: respx.MockRouter, method: str, times: int) -> None:
    """A broken connection is tried again for methods that change nothing."""
    route = siblings.route(method=method, url="http://edu.test/edu/x").mock(side_effect=httpx.ReadError)
    assert client.request(method, "/api/edu/x").status_code == 503
    assert route.call_count == times
