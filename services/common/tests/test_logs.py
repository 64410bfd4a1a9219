"""Log lines of a serving process: what each has, what none has; docs and Kibana have every field."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

import local
from common.logs import without_secrets

ROOT = Path(local.__file__).parents[1]
APPLICATION = """
from fastapi import APIRouter

from common.service import service
from common.settings import ServiceSettings

router = APIRouter()


@router.get("/courses/{slug}")
async def course(slug: str) -> str:
    return slug


@router.get("/crash")
def crash() -> None:
    try:
        raise ConnectionRefusedError("postgresql://azora:p%40ss-w0rd@db:5432/azora")
    except ConnectionRefusedError as error:
        raise RuntimeError("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30") from error


@router.get("/away")
async def away() -> None:
    raise ConnectionResetError("sk_test_4eC39HqLyjWDarjtT1zdp7dc")


def create():
    settings = ServiceSettings()
    return service("trial", settings, description="", routers=[router], unavailable=[ConnectionResetError])
"""
IDENTITY = {
    "service.name": "trial",
    "service.version": "3f2a1c",
    "service.environment": "staging",
    "labels.color": "green",
    "ecs.version": "1.6.0",
}


def _flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Fields by their names in Elasticsearch: `{"service": {"name": …}}` is `service.name`."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _lines(log: Path) -> list[dict[str, Any]]:
    return [_flat(json.loads(line)) for line in log.read_text().splitlines()]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of a process, from its start to its end, with some requests between."""
    folder = tmp_path_factory.mktemp("trial")
    (folder / "trial").mkdir()
    (folder / "trial/app.py").write_text(APPLICATION)
    port = local.free_port()
    environment = {
        "AZORA_COLOR": "green", "AZORA_RELEASE": "3f2a1c", "AZORA_ENVIRONMENT": "staging", "DRAIN_SECONDS": "0",
        "LISTEN_HOST": "127.0.0.1", "PORT": str(port), "PYTHONPATH": str(folder),
    }  # fmt: skip
    file = folder / "log"
    with (
        local.running([sys.executable, "-m", "common.serve", "trial"], log=file, **environment),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        local.wait_until("trial", lambda: _answers(client))
        for identity, path in (("id-course", "/courses/a?token=t0ken"), ("id-crash", "/crash"), ("id-away", "/away")):
            client.get(path, headers={"x-request-id": identity, "authorization": "Bearer 0123456789abcdef"})
        client.get("/metrics")
    return file


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


def _of(log: Path, identity: str) -> list[dict[str, Any]]:
    return [line for line in _lines(log) if line.get("http.request.id") == identity]


def test_line(log: Path) -> None:
    """Each line is ECS and has service, color and release."""
    lines = _lines(log)
    assert len(lines) > 6  # uvicorn's own as well
    for line in lines:
        assert IDENTITY.items() <= line.items()
        assert {"@timestamp", "log.level", "log.logger", "message"} <= line.keys()


def test_line_of_a_request(log: Path) -> None:
    """A request is one line."""
    (line,) = _of(log, "id-course")
    assert 0 < line.pop("event.duration") < 10**9  # nanoseconds
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("@timestamp"))
    assert line == IDENTITY | {
        "message": "GET /courses/a 200",
        "log.level": "info",
        "log.logger": "access",
        "http.request.id": "id-course",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "url.path": "/courses/a",
        "labels.route": "/courses/{slug}",
        "event.outcome": "success",
    }


def test_line_of_a_crash(log: Path) -> None:
    """A crash has its request, its traceback and its cause."""
    crash, answer = _of(log, "id-crash")
    assert (crash["message"], crash["log.level"], crash["error.type"], crash["url.path"]) == (
        "request failed", "error", "RuntimeError", "/crash",
    )  # fmt: skip
    assert "ConnectionRefusedError" in crash["error.stack_trace"]
    assert "The above exception was the direct cause" in crash["error.stack_trace"]
    assert (answer["http.response.status_code"], answer["event.outcome"]) == (500, "failure")


def test_line_of_an_unreachable_dependency(log: Path) -> None:
    """An unreachable dependency is a warning."""
    warning, answer = _of(log, "id-away")
    assert (warning["log.level"], warning["error.type"]) == ("warning", "ConnectionResetError")
    assert answer["http.response.status_code"] == 503


def test_lines_of_probes(log: Path) -> None:
    """Probes and scrapes are not logged."""
    assert {line.get("url.path") for line in _lines(log)} == {None, "/courses/a", "/crash", "/away"}


@pytest.mark.parametrize(
    "secret", ["p%40ss-w0rd", "eyJhbGciOiJIUzI1NiJ9", "4eC39HqLyjWDarjtT1zdp7dc", "0123456789", "t0ken"]
)
def test_line_without_a_secret(log: Path, secret: str) -> None:
    """No line has a secret."""
    assert secret not in log.read_text()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("redis://:p4ss@cache:6379/0", "redis://:***@cache:6379/0"),
        ("postgresql+psycopg://azora:p4ss@db/azora", "postgresql+psycopg://azora:***@db/azora"),
        ("authorization: Bearer abcdefgh12", "authorization: Bearer ***"),
        ("no key sk_live_abcd1234 here", "no key sk_live_*** here"),
        ("signed with whsec_abcd1234", "signed with whsec_***"),
        ("DETAIL:  Failing row contains (7, $argon2id$v=19$m=1).", "DETAIL:  Failing row contains (***)."),
        ("DETAIL:  Key (email)=(ada@example.test) already exists.", "DETAIL:  Key (email)=(***) already exists."),
        ("http://azora-blue-api:8000/courses/a@b", "http://azora-blue-api:8000/courses/a@b"),
        ("ada@example.test is the bearer of a name", "ada@example.test is the bearer of a name"),
    ],
)
def test_removed_secrets(text: str, left: str) -> None:
    """Secrets are removed, and nothing else."""
    assert without_secrets(text) == left


def test_line_of_a_failed_start(tmp_path: Path) -> None:
    """The last line has the reason, and no value of the settings."""
    log = tmp_path / "log"
    settings = {
        "REDIS_URL": "redis://:p4ss@127.0.0.1:9",
        "DATABASE_POOL_SIZE": "many",
        "DATABASE_URL": "postgresql://u:p4ss@h/d",
    }
    with local.running([sys.executable, "-m", "common.serve", "auth"], log=log, **settings) as process:
        assert process.wait(30) == 1
    *_, last = _lines(log)
    assert "the service did not start: 1 validation error for Settings database_pool_size" in last["message"]
    assert (last["log.level"], last["error.type"]) == ("critical", "ValidationError")
    assert "p4ss" not in log.read_text()


# What Elasticsearch's own mapping for ECS makes of a field, and what a line has to hold for it.
_IS = {
    "date": lambda value: datetime.fromisoformat(value).tzinfo is not None,
    "keyword": lambda value: isinstance(value, str),
    "text": lambda value: isinstance(value, str),
    "long": lambda value: isinstance(value, int),
}
OF_THE_PIPELINE = ("labels.run", "labels.task")
_QUERIED = re.compile(r"([@\w.]+)\s*(?::|>=|<=|>|<)")


def _documented() -> dict[str, str]:
    """Fields of a service's log and their types, from docs/monitoring.md.

    The pipeline's own fields have another test.
    """
    page = (ROOT / "docs/monitoring.md").read_text()
    row = r"^\| `([@a-z_.]+)` \| (date|keyword|text|long) \| (?!the pipeline)"
    return dict(re.findall(row, page, re.MULTILINE))


def _kibana() -> Iterator[dict[str, Any]]:
    for line in (ROOT / "deployments/monitoring/kibana/azora.ndjson").read_text().splitlines():
        yield json.loads(line)


def _used(saved: Mapping[str, Any]) -> Iterator[str]:
    """Every field that the saved object names."""
    attributes = saved["attributes"]
    if saved["type"] == "index-pattern":
        yield attributes["timeFieldName"]
        yield from json.loads(attributes["fieldFormatMap"])
        yield from json.loads(attributes["fieldAttrs"])
        return
    yield from attributes["columns"]
    yield from (field for field, _ in attributes["sort"])
    source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
    yield from _QUERIED.findall(source["query"]["query"])
    yield from (one["meta"]["key"] for one in source["filter"])


def test_fields_in_the_documentation(log: Path) -> None:
    """The documented fields are those of the lines, with their types."""
    documented = _documented()
    written = {(name, type(value)) for line in _lines(log) for name, value in line.items()}
    assert {name for name, _ in written} == documented.keys() - {"labels.asset", "labels.intent", "labels.order"}
    for line in _lines(log):
        assert all(_IS[documented[name]](value) for name, value in line.items())


@pytest.mark.parametrize("saved", list(_kibana()), ids=lambda saved: saved["id"])
def test_fields_in_kibana(log: Path, saved: dict[str, Any]) -> None:
    """Kibana's saved objects use fields of the lines, with the right type."""
    documented, lines = _documented(), _lines(log)
    used = {field for field in _used(saved) if not field.startswith(OF_THE_PIPELINE)}
    assert used
    for field in used:
        values = [line[field] for line in lines if field in line]
        assert values, field
        assert all(_IS[documented[field]](value) for value in values), field


def test_kibana_views() -> None:
    """Kibana's views of a release and of its errors share one data view."""
    objects = {saved["id"]: saved for saved in _kibana()}
    assert {name: saved["type"] for name, saved in objects.items()} == {
        "azora-logs": "index-pattern",
        "azora-release": "search",
        "azora-errors": "search",
    }
    for name in ("azora-release", "azora-errors"):
        (reference,) = objects[name]["references"]
        assert (reference["type"], reference["id"]) == ("index-pattern", "azora-logs")
        source = json.loads(objects[name]["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        assert source["indexRefName"] == reference["name"]
