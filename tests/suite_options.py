"""Shared parts of both suites: the platform's address and identity, and a browser that reaches it.

Each suite's conftest.py imports it, so that a folder of cases runs wherever it lies, in any interpreter that has
pytest-playwright. One process finds the platform (with xdist the controller) and hands what it found to its workers.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import astuple
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from suite_platform import answers_locally, start_locally
from suite_target import SECRET, Target

# Without the parts that draw windows it needs half of the processor for the same cases.
_CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), "/usr/bin/chromium")
_QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--disable-gpu",
]
_OPTIONS = {
    "--azora-env": "environment whose platform is tested, e.g. staging; the other options are found out",
    "--azora-url": "address of the platform, e.g. http://azora.localhost:8080; without it and --azora-env: a local one",
    "--azora-connect": "host:port to dial for it, instead of looking its name up",
    "--azora-expect-release": "the release that must answer",
    "--azora-expect-color": "the color that must answer",
}

_RUNS_NOTHING = ("collectonly", "help", "version", "showfixtures", "show_fixtures_per_test", "markers")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("azora", "the platform under test")
    with suppress(ValueError):  # the other suite's conftest.py has added them
        for name, meaning in _OPTIONS.items():
            group.addoption(name, default=None, help=meaning)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Find or start the platform, once a run."""
    option = config.option
    vars(option).update(getattr(config, "workerinput", {}).get("azora", {}))
    _record(option)
    if option.azora_url or any(vars(option).get(name) for name in _RUNS_NOTHING):
        return
    if option.azora_env:
        url, connect, release, color, secret = _found(option.azora_env)
        option.azora_connect, option.azora_expect_release, option.azora_expect_color = connect, release, color
    else:
        url, secret = answers_locally() or start_locally(config)
    option.azora_url = url
    if secret:
        os.environ[SECRET] = secret


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send the target that was found to each of xdist's workers, which have the command line only."""
    node.workerinput["azora"] = {
        key: value for key, value in vars(node.config.option).items() if key.startswith("azora_")
    }


def _record(option: Any) -> None:
    """Videos of what fails, where Azora can make them; the pipeline has said so before."""
    if option.video == "off":
        with suppress(ImportError):
            from azora.gateways.suites.playwright import video_browsers

            if browsers := video_browsers():
                os.environ.update(browsers)
                option.video = "retain-on-failure"


def _found(environment: str) -> tuple[str | None, ...]:
    """Target of the suites in the environment, from Azora.

    Azora is imported only here: with --azora-url any interpreter will do.
    """
    try:
        from azora.config.settings import settings
        from azora.errors import AzoraError
        from azora.operations.suite_target import testing_of
    except ImportError as error:
        raise pytest.UsageError(f"could not find {environment}: {error}; give --azora-url instead") from None
    try:
        return astuple(testing_of(environment, settings()))
    except AzoraError as error:
        raise pytest.UsageError(str(error)) from None


def target_of(config: pytest.Config) -> Target:
    said = config.option
    return Target(said.azora_url.rstrip("/"), said.azora_connect, said.azora_expect_release, said.azora_expect_color)


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Target:
    return target_of(pytestconfig)


@pytest.fixture(scope="session")
def base_url(target: Target) -> str:
    return target.url


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], target: Target) -> dict[str, Any]:
    rules = [f"--host-resolver-rules=MAP {target.host} {target.connect}"] if target.connect else []
    return {**browser_type_launch_args, "executable_path": _CHROMIUM, "args": [*_QUIET, *rules]}


@pytest.fixture
def page(page: Page) -> Page:
    """A page of a fresh browser profile; patient, for machines that are busy."""
    expect.set_options(timeout=10_000)
    page.set_default_timeout(15_000)
    return page
