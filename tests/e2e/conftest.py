"""The end-to-end suite: a person registers, learns and pays, in a browser."""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from steps import Course, Person, log_in, open_course
from suite_options import Target, base_url, browser_type_launch_args, page, pytest_addoption, target

__all__ = ["base_url", "browser_type_launch_args", "page", "pytest_addoption", "target"]

# Of the courses that every environment has: services/migrations/versions/0001_platform.json
FREE = Course("Git from the ground up", "Free")
PAID = Course("Releasing without fear", "€49.00")


@pytest.fixture
def free() -> Course:
    return FREE


@pytest.fixture
def paid() -> Course:
    return PAID


@pytest.fixture
def stranger() -> Person:
    """Somebody without an account."""
    tag = uuid4().hex[:12]
    return Person(f"E2E {tag}", f"e2e-{tag}@example.test", f"a good sentence {tag}")


@pytest.fixture
def member(stranger: Person, target: Target) -> Person:
    """Somebody with an account, made without the browser."""
    made = target.ask("/api/auth/accounts", vars(stranger))
    assert made.status == 201, made.body
    return stranger


@pytest.fixture
def signed_in(page: Page, member: Person) -> Page:
    """A browser in which *member* is logged in."""
    log_in(page, member.email, member.password)
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    return page


@pytest.fixture
def at_checkout(signed_in: Page, paid: Course) -> Page:
    """*member*'s browser, asked for a card to pay *paid* with."""
    open_course(signed_in, paid)
    signed_in.get_by_role("button", name="Add to cart").click()
    signed_in.get_by_role("button", name="Check out").click()
    expect(signed_in.get_by_role("heading", name="Checkout")).to_be_visible()
    return signed_in
