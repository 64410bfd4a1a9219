"""A person becomes a member, comes back, and leaves."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from steps import log_in, register
from trial import Person


def test_registration(page: Page, stranger: Person) -> None:
    """A new person is logged in and reaches the courses."""
    register(page, stranger.name, stranger.email, stranger.password)

    expect(page.get_by_role("banner")).to_contain_text(stranger.name)
    page.goto("/learning")
    expect(page.get_by_role("heading", name="My courses")).to_be_visible()


def test_login(page: Page, member: Person) -> None:
    """A member logs in and can log out."""
    log_in(page, member.email, member.password)

    expect(page.get_by_role("banner")).to_contain_text(member.name)
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def test_invalid_credentials(page: Page, member: Person) -> None:
    """A wrong password is refused, and pages of members stay closed."""
    log_in(page, member.email, "not the password")

    expect(page.get_by_role("alert")).to_have_text("E-mail address or password is wrong.")
    page.goto("/learning")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_logout(signed_in: Page) -> None:
    """After a logout a copy of the old session is worth nothing."""
    signed_in.goto("/learning")
    before = signed_in.context.cookies()
    signed_in.get_by_role("button", name="Log out").click()

    expect(signed_in.get_by_role("link", name="Log in")).to_be_visible()
    signed_in.context.add_cookies(before)  # a copy of the old session is worth nothing
    signed_in.goto("/learning")
    expect(signed_in.get_by_role("heading", name="Log in")).to_be_visible()
