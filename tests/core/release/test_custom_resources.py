"""Custom resources: which kinds are none of Kubernetes' own, and when one is ready."""

from __future__ import annotations

from typing import Any

import pytest

from azora.core.release.custom_resources import is_custom, unready


@pytest.mark.parametrize(
    ("version", "custom"),
    [
        ("v1", False),
        ("apps/v1", False),
        ("batch/v1", False),
        ("policy/v1", False),
        ("autoscaling/v2", False),
        ("networking.k8s.io/v1", False),
        ("rbac.authorization.k8s.io/v1", False),
        ("gateway.networking.k8s.io/v1", True),
        ("snapshot.storage.k8s.io/v1", True),
        ("monitoring.coreos.com/v1", True),
        ("cert-manager.io/v1", True),
        ("traefik.io/v1alpha1", True),
        ("external-secrets.io/v1", True),
    ],
)
def test_kinds(version: str, custom: bool) -> None:
    """Helm's watcher would wait for those of others by what their status says."""
    assert is_custom({"apiVersion": version, "kind": "Thing"}) is custom


@pytest.mark.parametrize(
    ("there", "why"),
    [
        pytest.param(None, "it is not there", id="not there"),
        pytest.param({}, "it has no condition Ready yet", id="no status"),
        pytest.param({"status": {"conditions": [{"type": "Synced", "status": "True"}]}}, "it has no condition Ready yet", id="another condition"),
        pytest.param({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, None, id="ready"),
        pytest.param({"status": {"conditions": [{"type": "Available", "status": "True"}]}}, None, id="available"),
        pytest.param({"status": {"conditions": [{"type": "Ready", "status": "False", "message": "no issuer"}]}}, "no issuer", id="message"),
        pytest.param({"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Pending"}]}}, "Pending", id="reason"),
        pytest.param({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, "its condition Ready is Unknown", id="unknown"),
    ],
)  # fmt: skip
def test_readiness(there: dict[str, Any] | None, why: str | None) -> None:
    """The condition decides, and its own words say why not."""
    assert unready(there) == why
