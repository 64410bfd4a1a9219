"""A browser is asked once, by Prefect; what a run's page then shows and leads to asks no more."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from azora.config.settings import settings
from azora.local.layout import layout
from azora.operations.reports.links import link, viewer_link
from tests.support import pipeline
from tests.support.screens import PrefectUI


@pytest.mark.browser_context_args(storage_state=None)
def test_log_in(ui: PrefectUI) -> None:
    """A fresh browser has to log in once; a new tab does not."""
    ui.page.goto("/v2/deployments")
    ui.log_in("azora:wrong")
    expect(ui.page.get_by_text("Invalid credentials")).to_be_visible()
    ui.picture("a wrong one")
    ui.log_in(os.environ["PREFECT_API_AUTH_STRING"])
    ui.page.wait_for_url(re.compile("/v2/deployments"))
    ui.open_deployments()
    assert "azora-release" in ui.deployments()
    ui.picture("let in")

    tab = ui.page.context.new_page()
    tab.goto("/v2/runs")
    expect(tab.get_by_role("link", name="Deployments", exact=True).first).to_be_visible()
    expect(tab.get_by_placeholder("admin:pass")).to_have_count(0)


def test_links_of_a_page(ui: PrefectUI, browser: Browser) -> None:
    """A page shows its picture and opens its trace, and asks for no password."""
    seen, trace = ui.folder / "a button.png", ui.folder / "a trace.zip"
    record(browser, seen, trace)
    worker = settings().model_copy(update={"state": layout(settings().node).work})
    viewer = viewer_link(worker.reports_viewer_url, link(trace, worker))
    page = {"key": "login", "type": "markdown", "data": f"[trace]({viewer})\n\n![A button]({link(seen, worker)})"}
    with pipeline.prefect() as client:
        left = client.post("/artifacts/", json=page).raise_for_status().json()["id"]
        try:
            ui.page.goto(f"/v2/artifacts/artifact/{left}")
            picture = ui.page.get_by_role("img", name="A button")
            expect(picture).to_be_visible()
            picture.evaluate("picture => picture.decode()")  # fails where there is nothing to show
            ui.picture("a page with its picture")
            ui.page.goto(str(ui.page.get_by_role("link", name="trace", exact=True).get_attribute("href")))
            expect(ui.page.get_by_text("Set content").first).to_be_visible()
            ui.picture("its trace")
        finally:
            client.delete(f"/artifacts/{left}").raise_for_status()


def record(browser: Browser, picture: Path, trace: Path) -> None:
    """Record what a failed case leaves: how the page looked, and all that was done there."""
    context = browser.new_context()
    context.tracing.start(screenshots=True, snapshots=True)
    page = context.new_page()
    page.set_content("<button>Pay</button>")
    page.screenshot(path=picture)
    context.tracing.stop(path=trace)
    context.close()
