"""Page of evidence in a real browser: on a desktop and on a phone, light and dark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright
from pydantic import SecretStr

from azora.config.settings import Settings
from azora.core.messages.evidence.page import page as evidence_page
from azora.operations.evidence import publish_page
from tests.support.evidence import evidence
from tests.support.reports import KEY, report_server

WIDER = "[...document.querySelectorAll('main *:not(pre, pre *)')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML)"
SCROLLS = "pre => pre.scrollWidth > pre.clientWidth"


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AZORA_STATE", str(tmp_path))
    monkeypatch.setenv("AZORA_REPORTS_AUTH_STRING", "a:b")
    monkeypatch.setenv("AZORA_REPORTS_KEY", KEY)
    with report_server() as served:
        here = Settings(state=tmp_path, reports_url=served.reports, reports_key=SecretStr(KEY))
        yield publish_page(evidence_page(evidence()), "evidence-production-1-1.html", "run", here)


def test_page_in_a_browser(address: str, tmp_path: Path) -> None:
    """No width scrolls sideways, wide differences scroll in their own box, and nothing is requested or in a script."""
    with ThreadPoolExecutor(1) as own_loop:
        own_loop.submit(read_at_each_width, address, tmp_path).result()


def read_at_each_width(address: str, folder: Path) -> None:
    with sync_playwright() as playwright:
        program = shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for width, scheme in ((1440, "light"), (390, "dark")):
            context = browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme=scheme,  # type: ignore[arg-type]
            )
            read(context.new_page(), address, folder / f"evidence-{width}.png")
        browser.close()


def read(page: Page, address: str, picture: Path) -> None:
    requested: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(address)
    page.screenshot(path=picture, full_page=True)
    first = page.locator("#risks").bounding_box()
    assert first
    assert first["y"] < 400, "the risks are on the first screen"
    for closed in page.locator("details").all():
        closed.locator("> summary").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), picture
    assert page.evaluate(WIDER) == []
    assert page.locator("pre", has_text="FEATURES").evaluate(SCROLLS)
    page.screenshot(path=picture.with_stem(f"{picture.stem}-open"), full_page=True)
    page.locator("nav a", has_text="Objects").click()
    assert page.url.endswith("#objects")
    assert requested == [address]
    assert said == []
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
