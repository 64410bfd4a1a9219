"""Metrics of a process in Prometheus: exactly the requests made, with the process's color and release."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from starlette.types import Receive, Scope, Send

import local
from common import database
from common.metrics import Metrics, Usage
from common.service import service
from common.settings import DatabaseSettings, ServiceSettings

SETTINGS = ServiceSettings(azora_color="green", azora_release="3f2a1c")
IDENTITY = {"service", "color", "release"}
ENVIRONMENT = {
    **{f"{name}_URL": f"http://{name}.test" for name in ("API", "AUTH", "EDU", "PAY")},
    "DATABASE_URL": "postgresql://nowhere/none",
    "REDIS_URL": "redis://nowhere",
    "STRIPE_API_KEY": "sk_test_x",
}
router = APIRouter()


@router.get("/courses/{slug}")
async def course(slug: str) -> str:
    if slug == "broken":
        raise RuntimeError
    return slug


@pytest.fixture
def client() -> TestClient:
    pools = {"redis": lambda: Usage(3, 50, idle=2), "passwords": lambda: Usage(2, 2, waiting=7)}
    trial = service("trial", SETTINGS, description="", routers=[router], pools=pools)
    return TestClient(trial, raise_server_exceptions=False)


def _lines(client: TestClient, *names: str) -> list[str]:
    exposed = client.get("/metrics").text.splitlines()
    return [line for line in exposed if re.split("[{ ]", line)[0] in names]


def test_requests(client: TestClient) -> None:
    """Requests are counted by route template, method and status."""
    for path in ("/courses/a", "/courses/b", "/courses/broken", "/wp-login.php", "/.env"):
        client.get(path)
    client.request("BREW", "/courses/a")
    client.post("/courses/a")
    constant = 'color="green",method="{}",release="3f2a1c",route="{}",service="trial",status="{}"'
    expected = [
        ("GET", "/courses/{slug}", 200, 2),
        ("GET", "/courses/{slug}", 500, 1),
        ("GET", "(none)", 404, 2),
        ("(other)", "/courses/{slug}", 405, 1),
        ("POST", "/courses/{slug}", 405, 1),
    ]
    assert _lines(client, "http_requests_total") == [
        f"http_requests_total{{{constant.format(*labels)}}} {count}.0" for *labels, count in expected
    ]


def test_durations() -> None:
    """Durations are counted in buckets of seconds."""
    metrics = Metrics("trial", SETTINGS, {})
    for seconds in (0.004, 0.3, 0.4, 60.0):
        metrics.answered("GET", "/courses/{slug}", 200, seconds)
    (duration,) = (
        family
        for family in text_string_to_metric_families(_outside_a_loop(metrics))
        if family.name == "http_request_duration_seconds"
    )
    assert {(one.name.removeprefix(duration.name), one.labels.get("le")): one.value for one in duration.samples} == {
        ("_bucket", "0.005"): 1, ("_bucket", "0.01"): 1, ("_bucket", "0.025"): 1, ("_bucket", "0.05"): 1,
        ("_bucket", "0.1"): 1, ("_bucket", "0.25"): 1, ("_bucket", "0.5"): 3, ("_bucket", "1.0"): 3,
        ("_bucket", "2.5"): 3, ("_bucket", "5.0"): 3, ("_bucket", "10.0"): 3, ("_bucket", "30.0"): 3,
        ("_bucket", "+Inf"): 4, ("_count", None): 4, ("_sum", None): pytest.approx(60.704),
    }  # fmt: skip


def _outside_a_loop(metrics: Metrics) -> str:
    """Its exposition, as a service's route would ask for it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": metrics.exposition()})

    return TestClient(app).get("/").text


def test_requests_in_flight() -> None:
    """The scrape itself is not in flight."""
    looking = APIRouter()

    @looking.get("/look")
    def look() -> list[str]:
        return _lines(client, "http_requests_in_flight")

    client = TestClient(service("trial", SETTINGS, description="", routers=[looking]))
    series = 'http_requests_in_flight{color="green",release="3f2a1c",service="trial"}'
    assert client.get("/look").json() == [f"{series} 1.0"]
    assert _lines(client, "http_requests_in_flight") == [f"{series} 0.0"]


def test_pools(client: TestClient) -> None:
    """Each pool has the samples that it can give."""
    constant = 'color="green",pool="{}",release="3f2a1c",service="trial"'
    expected = [
        ("in_use", "threads", 0), ("in_use", "redis", 3), ("in_use", "passwords", 2),
        ("limit", "threads", 40), ("limit", "redis", 50), ("limit", "passwords", 2),
        ("idle", "redis", 2),
        ("waiting", "threads", 0), ("waiting", "passwords", 7),
    ]  # fmt: skip
    names = [f"service_pool_{what}" for what in ("in_use", "limit", "idle", "waiting")]
    assert _lines(client, *names) == [
        f"service_pool_{what}{{{constant.format(pool)}}} {value}.0" for what, pool, value in expected
    ]


def test_pool_of_postgresql(database_url: str) -> None:
    """A connection is in use, then idle."""
    settings = DatabaseSettings(database_url=database_url, database_pool_size=3)  # type: ignore[arg-type]
    engine = database.connect(settings)
    usage = database.pool_of(engine, settings)
    assert usage() == Usage(0, 6, idle=0)
    with engine.connect() as one, engine.connect() as two:
        one.execute(text("SELECT 1"))
        two.execute(text("SELECT 1"))
        assert usage() == Usage(2, 6, idle=0)
    assert usage() == Usage(0, 6, idle=2)
    engine.dispose()


def _exposed(service_name: str) -> Iterator[tuple[str, str, str]]:
    """Name, type and labels of what the service has after a request."""
    with TestClient(importlib.import_module(f"{service_name}.app").create()) as client:
        client.get("/nowhere")
        exposed = client.get("/metrics").text
    for family in text_string_to_metric_families(exposed):
        for sample in family.samples[:1]:
            assert sample.labels.keys() >= IDENTITY
            name = sample.name if family.type == "counter" else family.name
            yield name, family.type, ", ".join(sorted(sample.labels.keys() - IDENTITY - {"le"}))


def test_documented_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/monitoring.md lists exactly the services' metrics."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    exposed = {one for name in ("web", "api", "auth", "edu", "pay") for one in _exposed(name)}
    page = (Path(local.__file__).parents[1] / "docs/monitoring.md").read_text()
    of_services = page.partition("\n## Metrics of the pipeline\n")[0]
    rows = re.findall(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \|([^|]*)\|", of_services, re.MULTILINE)
    documented = {(name, kind, labels.replace("`", "").strip()) for name, kind, labels in rows}
    assert documented == exposed
    assert len(rows) == len(documented)


@pytest.mark.parametrize(
    ("name", "pools"),
    [
        ("web", {"threads", "redis"}),
        ("api", {"threads"}),
        ("auth", {"threads", "redis", "postgresql", "passwords"}),
        ("edu", {"threads", "redis", "postgresql"}),
        ("pay", {"threads", "redis", "postgresql"}),
    ],
)
def test_pools_of_each_service(name: str, pools: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pool of a service has its samples."""
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    client = TestClient(importlib.import_module(f"{name}.app").create())
    for what in ("in_use", "limit"):
        found = _lines(client, f"service_pool_{what}")
        assert {re.search('pool="([a-z]+)"', line)[1] for line in found} == pools  # type: ignore[index]
