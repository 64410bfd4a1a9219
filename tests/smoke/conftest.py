"""The smoke suite: the platform answers, whole and as one release."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from suite_options import Target, base_url, browser_type_launch_args, page, pytest_addoption, target

__all__ = ["base_url", "browser_type_launch_args", "page", "pytest_addoption", "target"]


@pytest.fixture(scope="session")
def services(target: Target) -> dict[str, Any]:
    """What each service says of itself, through the address that users use."""
    found: dict[str, Any] = target.ask("/api/health").json()["services"]
    return found
