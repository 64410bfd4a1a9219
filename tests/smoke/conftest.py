"""The smoke suite: the platform answers, whole and as one release."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from suite_options import (
    base_url,
    browser_type_launch_args,
    page,
    pytest_addoption,
    pytest_configure,
    pytest_configure_node,
    target,
)
from suite_target import Target

__all__ = [
    "base_url",
    "browser_type_launch_args",
    "page",
    "pytest_addoption",
    "pytest_configure",
    "pytest_configure_node",
    "target",
]


@pytest.fixture(scope="session")
def services(target: Target) -> dict[str, Any]:
    """Health reports of the services, through the address that users use."""
    answer = target.ask("/api/health")
    found: dict[str, Any] = answer.json()
    assert "services" in found, f"{answer.status}: {found}"
    return dict(found["services"])
