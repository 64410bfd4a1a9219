"""The end-to-end suite: a person registers, learns and pays, in a browser.

Each run has one trial, made before and removed after.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import suite_options
from accessibility import Looking, axe_script, look_at
from suite_options import (
    base_url,
    browser_type_launch_args,
    pytest_addoption,
    pytest_configure,
    pytest_configure_node,
    target,
)
from suite_options import page as any_page
from suite_target import SECRET, Target, suite_secret
from trial import Course, Member, Person, Trial, new_name

__all__ = [
    "any_page",
    "base_url",
    "browser_type_launch_args",
    "pytest_addoption",
    "pytest_configure",
    "pytest_configure_node",
    "target",
]

SESSION = "azora_session"  # the cookie that says who is logged in
LOOKING = pytest.StashKey[Looking]()


@pytest.hookimpl(tryfirst=True)  # before xdist starts its workers
def pytest_sessionstart(session: pytest.Session) -> None:
    """Make the trial, once a run: workers are told its name."""
    option = session.config.option
    if hasattr(session.config, "workerinput") or option.collectonly:
        return
    if suite_secret() is None:
        raise pytest.UsageError(
            f"could not make people and courses: {SECRET} is not set; tests/e2e/README.md says where it is"
        )
    option.azora_trial = new_name()
    _trial(session.config).set_up()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove it, whatever became of the cases. Where that fails, a run of tomorrow does."""
    if hasattr(session.config, "workerinput") or not hasattr(session.config.option, "azora_trial"):
        return
    try:
        _trial(session.config).tear_down()
    except (OSError, AssertionError) as error:
        session.config.get_terminal_writer().line(f"could not remove {session.config.option.azora_trial}: {error}")


def pytest_report_header(config: pytest.Config) -> list[str]:
    axe = "axe-core looks at each page" if axe_script() else "not looked at: axe-playwright-python is not installed"
    return [f"platform: {config.option.azora_url}", f"accessibility: {axe}"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A case fails as well when a page it saw is not for everybody."""
    result = yield
    if looking := item.stash.get(LOOKING, None):
        looking.finish(item.funcargs["page"])  # type: ignore[attr-defined]
    return result


def _trial(config: pytest.Config) -> Trial:
    return Trial(config.option.azora_trial, suite_options.target_of(config), suite_secret() or "")


@pytest.fixture(scope="session")
def axe() -> str | None:
    return axe_script()


@pytest.fixture(scope="session")
def trial(pytestconfig: pytest.Config) -> Trial:
    return _trial(pytestconfig)


@pytest.fixture
def page(any_page: Page, request: pytest.FixtureRequest, axe: str | None, target: Target) -> Iterator[Page]:
    """A browser that nobody has used; who logs in there is logged out in the end."""
    if axe:
        request.node.stash[LOOKING] = look_at(any_page, axe)
    yield any_page
    for cookie in any_page.context.cookies():
        if cookie["name"] == SESSION:
            target.ask("/api/auth/sessions/current", method="DELETE", token=cookie["value"])


@pytest.fixture
def free(trial: Trial) -> Course:
    return trial.free


@pytest.fixture
def paid(trial: Trial) -> Course:
    return trial.paid


@pytest.fixture
def stranger(trial: Trial) -> Person:
    """Somebody without an account."""
    return trial.stranger()


@pytest.fixture
def member(trial: Trial) -> Member:
    """Somebody with an account."""
    return trial.member()


@pytest.fixture
def signed_in(page: Page, member: Member, target: Target) -> Page:
    """A browser in which *member* is logged in; not by the form, which has a case of its own."""
    page.context.add_cookies([{"name": SESSION, "value": member.token, "url": target.url}])
    return page


@pytest.fixture
def at_checkout(signed_in: Page, member: Member, trial: Trial, paid: Course) -> Page:
    """*member*'s browser, asked for a card to pay *paid* with."""
    signed_in.goto(f"/checkout/{trial.begin_order(member, paid)}")
    return signed_in
