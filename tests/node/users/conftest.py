"""People in front of the platform as the node's staging serves it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support import pipeline


@pytest.fixture(scope="module")
def address(node: str) -> str:  # noqa: ARG001 - the node must be up
    """Staging's live address."""
    return pipeline.address("staging")


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A browser that nobody has used, before staging's first page."""
    context = browser.new_context(base_url=address)
    yield context.new_page()
    context.close()
