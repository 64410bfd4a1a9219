"""A real browser in front of the real Prefect UI; every page that a test saw is kept as a picture."""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from azora.config.settings import settings
from azora.local.layout import layout
from tests.support.screens import DRAWN_SELDOM, PrefectUI


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.ui)


@pytest.fixture(scope="session")
def base_url(node: str) -> str:  # noqa: ARG001 - the node must be up
    """Address at which Prefect answers, pages and API."""
    return os.environ["PREFECT_API_URL"].removesuffix("/api")


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any], base_url: str) -> dict[str, Any]:
    """Browser in which somebody logged in before.

    Prefect's pages keep the auth string in their own storage.
    """
    known = base64.b64encode(os.environ["PREFECT_API_AUTH_STRING"].encode()).decode()
    stored = [{"origin": base_url, "localStorage": [{"name": "prefect-password", "value": known}]}]
    state = {"cookies": [], "origins": stored}
    return {**browser_context_args, "viewport": {"width": 1440, "height": 1100}, "storage_state": state}


@pytest.fixture
def ui(page: Page, request: pytest.FixtureRequest) -> PrefectUI:
    """The UI in a fresh browser profile; patient, for machines that are busy."""
    expect.set_options(timeout=30_000)
    page.set_default_timeout(60_000)
    page.context.route("**/*", _loopback_only)
    page.add_init_script(DRAWN_SELDOM)
    name = request.node.name.removeprefix("test_").replace("[chromium]", "").replace("[chromium-", " [")
    folder = layout(settings().node).runs / "ui" / name.replace("_", " ")  # served at reports_url
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return PrefectUI(page, folder)


def _loopback_only(route: Route) -> None:
    """The pages try to reach an analytics host."""
    if urlsplit(route.request.url).hostname in {"127.0.0.1", "localhost"}:
        route.continue_()
    else:
        route.abort()
