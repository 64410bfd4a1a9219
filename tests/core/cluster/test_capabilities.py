"""Custom kinds of a cluster, from its discovery."""

from __future__ import annotations

from typing import Any

import pytest

from azora.config.json_object import Json
from azora.core.cluster.capabilities import served


def group(name: str, version: str, *kinds: str) -> Json:
    resources: list[Any] = [{"resource": kind.lower(), "responseKind": {"kind": kind}} for kind in kinds]
    return {"metadata": {"name": name}, "versions": [{"version": version, "resources": resources}]}


@pytest.mark.parametrize(
    ("discovery", "found"),
    [
        pytest.param({"items": [group("apps", "v1", "Deployment")]}, (), id="Kubernetes' own"),
        pytest.param(
            {"items": [group("x.org", "v1", "B", "A")]}, ("x.org/v1", "x.org/v1/A", "x.org/v1/B"), id="custom"
        ),
        pytest.param(
            {"items": [{"metadata": {"name": "x.org"}, "versions": [{"version": "v1"}]}]}, ("x.org/v1",), id="stale"
        ),
        pytest.param({"kind": "APIGroupList", "groups": []}, (), id="a server without it"),
    ],
)
def test_served(discovery: Json, found: tuple[str, ...]) -> None:
    """Versions and kinds are named as charts name them."""
    assert served(discovery) == found
