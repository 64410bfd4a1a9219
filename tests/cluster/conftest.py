"""A browser in front of the platform as the node's staging serves it."""

from __future__ import annotations

from typing import Any

import pytest

from azora.environment import load_environment
from azora.gateways.watching import public_url
from azora.settings import settings
from tests.suite_options import CHROMIUM, QUIET


@pytest.fixture(scope="session")
def base_url(node: str) -> str:  # noqa: ARG001 - the node must be up
    return public_url(load_environment("staging", settings().environments).hosts.live, settings())


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": QUIET}
