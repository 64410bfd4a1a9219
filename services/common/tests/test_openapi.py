"""Every API says what it takes, what it gives and how it fails."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

ENVIRONMENT = {
    **{f"{name}_URL": f"http://{name}.test" for name in ("AUTH", "EDU", "PAY")},
    "DATABASE_URL": "postgresql://nowhere/none",
    "REDIS_URL": "redis://nowhere",
    "STRIPE_API_KEY": "sk_test_x",
}


@pytest.fixture(params=["api", "auth", "edu", "pay"])
def described(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    service = importlib.import_module(f"{request.param}.app").create()
    found: dict[str, Any] = TestClient(service).get(f"/{request.param}/openapi.json").json()
    return found


def _operations(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        yield from ((f"{method} {path}", operation) for method, operation in methods.items())


def _undescribed(described: dict[str, Any]) -> Iterator[str]:
    for name, operation in _operations(described):
        if not operation.get("summary"):
            yield name
        yield from (f"{name}: {p['name']}" for p in operation.get("parameters", []) if not p.get("description"))
    for name, schema in described["components"]["schemas"].items():
        fields = schema.get("properties", {}).items()
        yield from (f"{name}.{field}" for field, found in fields if not found.get("description"))


def test_descriptions(described: dict[str, Any]) -> None:
    """Each operation, parameter and field is described."""
    assert described["info"]["description"]
    assert list(_undescribed(described)) == []


def test_errors_of_each_operation(described: dict[str, Any]) -> None:
    """Each operation documents its error body."""
    assert "ProblemBody" in described["components"]["schemas"]
    for name, operation in _operations(described):
        assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"], name
        assert "422" not in operation["responses"], name
