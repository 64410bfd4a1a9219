"""Checks that hold for all three charts."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from tests.support.kubernetes_schema import checked
from tests.support.rendering import ENVIRONMENTS, PASSED, Render, run_helm

each_chart = pytest.mark.parametrize("chart", PASSED)
each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


@pytest.fixture
def render(request: pytest.FixtureRequest, chart: str) -> Render:
    fixture: Render = request.getfixturevalue({"azora": "stack", "azora-router": "router", "azora-data": "data"}[chart])
    return fixture


@each_chart
@each_environment
def test_helm_lint(chart: str, environment: str) -> None:
    """`helm lint` has no warning and no error."""
    done = run_helm("lint", chart, environment, PASSED[chart])

    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout
    assert "[ERROR]" not in done.stdout


@each_chart
@each_environment
def test_schema_of_each_object(render: Render, environment: str) -> None:
    """Each object matches the schema of its kind."""
    rendering = render(environment)

    assert rendering.objects
    for found in rendering.objects:
        checked(found)


def test_schema_of_an_unknown_key() -> None:
    """The check finds a key that Kubernetes does not know."""
    with pytest.raises(ValidationError, match="selektor"):
        checked({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"selektor": {}}})


@each_chart
@pytest.mark.parametrize("key", ["replica", "image", "azora.colour", "azora.releases"])
def test_values_with_an_unknown_key(refused: Callable[..., str], chart: str, key: str) -> None:
    """A key that the chart does not read is refused by name."""
    outer, _, inner = key.partition(".")

    said = refused(chart, **{outer: {inner: "x"} if inner else "x"})

    assert "values don't meet the specifications of the schema" in said
    assert f"additional properties '{inner or outer}' not allowed" in said


@each_chart
def test_values_without_a_color(chart: str) -> None:
    """Color and environment are required."""
    done = run_helm("template", chart, "staging", {**PASSED[chart], "azora": {"application": "azora"}})

    assert done.returncode != 0
    assert "missing propert" in done.stderr
    assert "environment" in done.stderr


@pytest.mark.parametrize("chart", ["azora", "azora-data"])
@each_environment
def test_secrets_outside_of_secrets(render: Render, environment: str) -> None:
    """The content of a Secret is in no other object."""
    rendering = render(environment)
    secrets = rendering.of("Secret").values()
    held = [b64decode(value).decode() for secret in secrets for value in (secret.get("data") or {}).values()]
    elsewhere = json.dumps([found for found in rendering.objects if found["kind"] != "Secret"])

    assert held
    assert [value for value in held if value in elsewhere or b64encode(value.encode()).decode() in elsewhere] == []
