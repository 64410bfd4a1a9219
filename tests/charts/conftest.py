"""The three charts as fixtures: each a function that renders with changes over what Azora passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.rendering import DATA, PASSED, ROUTER, STACK, Render, Rendering, over, rendered, run_helm


@pytest.fixture(scope="session")
def stack() -> Render:
    """A stack of *environment* with *changes* over what Azora passes."""

    def render(environment: str = "staging", **changes: Any) -> Rendering:
        values = over(STACK, {"azora": {"environment": environment}, **changes})
        return Rendering(rendered("azora", environment, json.dumps(values, sort_keys=True)))

    return render


@pytest.fixture(scope="session")
def router() -> Render:
    """The router with *changes* over what Azora passes."""

    def render(environment: str = "staging", **changes: Any) -> Rendering:
        return Rendering(rendered("azora-router", environment, json.dumps(over(ROUTER, changes), sort_keys=True)))

    return render


@pytest.fixture(scope="session")
def data() -> Render:
    """The data release with *changes* over what Azora passes."""

    def render(environment: str = "staging", **changes: Any) -> Rendering:
        return Rendering(rendered("azora-data", environment, json.dumps(over(DATA, changes), sort_keys=True)))

    return render


@pytest.fixture(scope="session")
def refused() -> Callable[..., str]:
    """Error that Helm prints when it refuses *changes* for *chart*."""

    def said(chart: str, **changes: Any) -> str:
        done = run_helm("template", chart, "staging", over(PASSED[chart], changes))
        assert done.returncode != 0, "Helm took it"
        return done.stderr

    return said
