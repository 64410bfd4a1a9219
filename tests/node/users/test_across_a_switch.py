"""People in the middle of something while users move to another color and the old color is removed."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, Page, Response, Route, expect

from azora.config.settings import settings
from azora.core.colors import COLOR_LABEL, COMPONENT_LABEL, Color
from azora.operations.rollback import switch_users
from tests.e2e.steps import pay_with, register
from tests.support import pipeline
from tests.support.polling import until_it_is

pytestmark = pytest.mark.usefixtures("platform")

STYLESHEET = re.compile(r'rel="stylesheet" href="([^"]+)"')
SLOW_SECONDS = 20


@pytest.fixture(scope="module", autouse=True)
def another_stylesheet(platform: object) -> None:  # noqa: ARG001
    """Staging's two colors are proved, and differ in what their pages look like."""
    here = pipeline.world("staging")
    waits = here.stack(here.preview)
    if not (waits.is_proved and waits.is_ready and stylesheet_of("live") != stylesheet_of("preview")):
        assert pipeline.until_over(pipeline.begin("deploy-staging", ref=pipeline.commit())).went_well


def stylesheet_of(host: str) -> str:
    """Its address, which its content is part of, on the pages of that host of staging."""
    name = getattr(pipeline.cluster("staging").namespace.environment.hosts, host)
    answer = httpx.get(f"http://{settings().ingress_address}/", headers={"Host": name}, timeout=10)
    return STYLESHEET.findall(answer.raise_for_status().text)[0]


@pytest.fixture
def member(page: Page) -> None:
    """Somebody registered just now in *page*."""
    tag = uuid4().hex[:10]
    name = f"Mira {tag}"
    register(page, name, f"mira-{tag}@example.test", "a sentence that nobody guesses")
    expect(page.get_by_role("banner")).to_contain_text(name)


def switch() -> tuple[Color, Color]:
    """Users of staging go to the color that waits: (from, to)."""
    world = pipeline.world("staging")
    assert world.active
    assert switch_users(pipeline.cluster("staging").namespace.environment, world.preview, settings(), by="test")
    return world.active, world.preview


@contextmanager
def gone(color: Color) -> Iterator[None]:
    """No pod of *color* for the block; as many as before after it."""
    sizes = pipeline.world("staging").stack(color).wanted
    _scale(color, dict.fromkeys(sizes, 0))
    try:
        _until_there_are(color, 0)
        yield
    finally:
        _scale(color, sizes)
        _until_there_are(color, sum(sizes.values()))


def _scale(color: Color, sizes: dict[str, int]) -> None:
    here = pipeline.cluster("staging").namespace
    selector = f"{COLOR_LABEL}={color}"
    for item in here.api.get(f"{here.apps}/deployments", labelSelector=selector)["items"]:
        service = item["metadata"]["labels"][COMPONENT_LABEL]
        path = f"{here.apps}/deployments/{item['metadata']['name']}"
        here.api.patch(path, {"spec": {"replicas": sizes[service]}})


def _until_there_are(color: Color, count: int) -> None:
    def ready_and_running() -> tuple[int, int]:
        pods = pipeline.cluster("staging").pods(color)
        running = sum(pod["status"]["phase"] == "Running" for pod in pods)
        return sum(pipeline.world("staging").stack(color).ready.values()), running

    until_it_is((count, count), ready_and_running, seconds=90, what=f"pods of {color}, ready and running", every=0.5)


@pytest.mark.usefixtures("member")
def test_checkout_across_a_switch(page: Page) -> None:
    """A checkout that begins on one color is completed on the other, when the first is gone."""
    page.goto("/")
    page.get_by_role("link", name="Releasing without fear").click()
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("button", name="Check out").click()
    expect(page.get_by_role("heading", name="Checkout")).to_be_visible()
    old, new = switch()
    with gone(old):
        with page.expect_navigation() as paid:
            pay_with(page, "4242 4242 4242 4242")
        assert color_of(paid.value) == new
        expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
        page.goto("/learning")
        expect(page.get_by_role("link", name="Releasing without fear")).to_be_visible()


@pytest.mark.usefixtures("member")
def test_page_across_a_switch(page: Page, browser: Browser, address: str) -> None:
    """A page of the old color is styled, and its form is taken, when that color is gone."""
    page.goto("/")
    page.get_by_role("link", name="Git from the ground up").click()
    course = page.url
    answer = page.goto(course)
    assert answer
    assert answer.ok
    html = answer.text()
    old, new = switch()
    assert color_of(answer) == old
    with gone(old):
        # The page as a browser keeps it, and nothing else kept: whatever it needs is asked of the new color.
        context = browser.new_context(base_url=address, storage_state=page.context.storage_state())
        kept = context.new_page()
        context.route(course, at_first(html))
        with kept.expect_response(lambda got: got.request.resource_type == "stylesheet") as styled:
            kept.goto(course)
        assert (styled.value.status, color_of(styled.value)) == (200, new)
        assert kept.locator("body").evaluate("body => getComputedStyle(body).marginTop") == "0px"
        with kept.expect_navigation() as sent:
            kept.get_by_role("button", name="Enroll for free").click()
        assert color_of(sent.value) == new
        expect(kept.get_by_role("heading", name="A commit is a photograph")).to_be_visible()
        context.close()


def at_first(html: str) -> Callable[[Route], None]:
    """Answer the first request with *html*.

    With Playwright's own `times`, the requests that follow may be missed.
    """
    left = iter([html])

    def answer(route: Route) -> None:
        if body := next(left, None):
            route.fulfill(body=body, content_type="text/html")
        else:
            route.continue_()

    return answer


def test_long_request_across_a_switch(address: str) -> None:
    """The old color answers a request that takes 20 s to send; users are moved after two."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(slow_log_in, address.removeprefix("http://"), SLOW_SECONDS)
        time.sleep(2)
        old, _ = switch()
        said = answer.result(SLOW_SECONDS + 30)
    assert said.startswith("HTTP/1.1 401"), said  # nobody is called so
    assert f"x-azora-color: {old}" in said.lower()


def slow_log_in(host: str, seconds: int) -> str:
    """POST a log-in to *host*, a few bytes a second; returns the answer's head."""
    body = b'{"email": "nobody@example.test", "password": "' + b"x" * 40 + b'"}'
    pieces = [body[i * len(body) // seconds : (i + 1) * len(body) // seconds] for i in range(seconds)]
    head = (
        f"POST /api/auth/sessions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), timeout=60) as connection:
        connection.sendall(head.encode())
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(1)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode().partition("\r\n\r\n")[0]


def color_of(answer: Response | None) -> str | None:
    return answer.header_value("x-azora-color") if answer else None
