"""Scripts that a commit put into a report or a trace, in a real browser that is logged in."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright
from pydantic import SecretStr

from azora.config.settings import Settings
from azora.operations.reports.links import link, viewer_link
from tests.support.reports import KEY, Addresses, report_server

LOGIN = "azora:f-9_x"
PATIENCE_MS = 60_000

REPORT = """<!doctype html><head><title>report</title></head><body><script>
const said = []
const attempt = async (name, act) => { try { said.push(`${name}: ${await act()}`) } catch (error) { said.push(`${name}: ${error.name}`) } }
const all = async () => {
  sessionStorage.setItem("sort", "up")
  await attempt("memory", () => sessionStorage.getItem("sort"))
  await attempt("other file", async () => (await fetch("/other.txt")).text())
  await attempt("cookie", () => document.cookie)
  document.title = said.join(", ")
}
all()
</script></body>"""

SPY = """<html><body><script>
const said = ["ran on " + origin]
const attempt = async (name, act) => { try { said.push(`${name}: ${await act()}`) } catch (error) { said.push(`${name}: ${error.name}`) } }
const framed = url => new Promise((done, fail) => {
  const frame = document.createElement("iframe")
  frame.onload = () => { try { done(frame.contentDocument.body.innerText) } catch (error) { fail(error) } }
  frame.src = url
  document.body.append(frame)
})
const shown = url => new Promise((done, fail) => {
  const picture = new Image()
  picture.onload = () => done("shown")
  picture.onerror = () => fail(new TypeError("not shown"))
  picture.src = url
})
const all = async () => {
  await attempt("read", async () => (await fetch("REPORTS/other.txt")).text())
  await attempt("read logged in", async () => (await fetch("REPORTS/other.txt", {credentials: "include"})).text())
  await attempt("blind", async () => (await (await fetch("REPORTS/other.txt", {credentials: "include", mode: "no-cors"})).text()) || "empty")
  await attempt("frame", async () => (await framed("REPORTS/other.txt")) || "empty")
  await attempt("list", async () => (await framed("REPORTS/")) || "empty")
  await attempt("picture", () => shown("REPORTS/other.png"))
  await attempt("own origin", async () => (await fetch("/other.txt")).status)
  await attempt("worker", () => navigator.serviceWorker.register("REPORTS/mine/worker.js"))
  top.document.title = said.join(", ")
}
all()
</script></body></html>"""

DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000000000500017a5eab3f0000000049454e44ae426082"
)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Addresses]:
    (tmp_path / "runs/mine").mkdir(parents=True)
    (tmp_path / "runs/other.txt").write_text("a secret of another run")
    (tmp_path / "runs/other.png").write_bytes(DOT)
    (tmp_path / "runs/mine/report.html").write_text(REPORT)
    (tmp_path / "runs/mine/worker.js").write_text("")
    monkeypatch.setenv("AZORA_STATE", str(tmp_path))
    monkeypatch.setenv("AZORA_REPORTS_AUTH_STRING", LOGIN)
    monkeypatch.setenv("AZORA_REPORTS_KEY", KEY)
    with report_server() as addresses:
        monkeypatch.setenv("AZORA_REPORTS_URL", addresses.reports)
        yield addresses


@pytest.mark.attack(
    "a script in a commit's report reads other reports with the browser's login", by="the Content-Security-Policy"
)
def test_script_in_a_report(served: Addresses) -> None:
    """The scripts of a commit's report run, and read no other file, though the browser is logged in."""

    def title(page: Page) -> str:
        page.goto(f"{served.reports}/mine/report.html")
        page.wait_for_function("document.title != 'report'")
        return page.title()

    assert logged_in(served, title).startswith("memory: up, other file: TypeError, cookie: SecurityError")


@pytest.mark.attack("a script in a trace reads reports with the browser's login", by="the viewer's own origin")
def test_script_in_a_trace(served: Addresses, tmp_path: Path) -> None:
    """The viewer shows a trace; a script in it reads no report, though the browser is logged in."""
    trace = tmp_path / "runs/mine/trace.zip"
    here = Settings(state=tmp_path, reports_url=served.reports, reports_key=SecretStr(KEY))
    address = viewer_link(served.viewer, link(trace, here))
    write_trace(trace, f"{served.viewer}/file/resources/spy?trace={address.partition('=')[2]}", served)

    def title(page: Page) -> str:
        page.goto(address)
        page.get_by_text("goto").first.click()
        frame = page.frame_locator("iframe[src*=snapshot], iframe[name=snapshot]").first
        frame.locator("area").wait_for(state="attached")
        box = page.locator("iframe").first.bounding_box()
        assert box
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_function("document.title.startsWith('ran')")
        return page.title()

    said = logged_in(served, title)
    assert said.startswith(f"ran on {served.viewer}, ")
    assert "secret" not in said
    assert "shown" not in said
    assert "own origin: 404" in said


def write_trace(file: Path, leads_to: str, served: Addresses) -> None:
    """A trace whose one page is a picture that leads to a document of the trace."""
    area = ["AREA", {"shape": "rect", "coords": "0,0,800,600", "href": leads_to}]
    gif = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    style = "position:fixed;left:0;top:0"
    picture = ["IMG", {"usemap": "#m", "width": "800", "height": "600", "style": style, "src": gif}]
    head = ["HEAD", {}, ["BASE", {"href": f"{served.viewer}/"}]]
    snapshot = {
        "callId": "call@1",
        "snapshotName": "before@call@1",
        "pageId": "page@1",
        "frameId": "frame@1",
        "frameUrl": "http://x/",
        "doctype": "html",
        "html": ["HTML", {}, head, ["BODY", {}, picture, ["MAP", {"name": "m"}, area]]],
        "viewport": {"width": 800, "height": 600},
        "timestamp": 11,
        "wallTime": 1,
        "collectionTime": 1,
        "resourceOverrides": [],
        "isMainFrame": True,
    }
    events = [
        {
            "type": "context-options",
            "version": 8,
            "origin": "library",
            "browserName": "chromium",
            "options": {},
            "platform": "linux",
            "wallTime": 1,
            "monotonicTime": 1,
            "sdkLanguage": "python",
            "contextId": "c",
            "title": "t",
        },
        {
            "type": "before",
            "callId": "call@1",
            "startTime": 10,
            "class": "Page",
            "method": "goto",
            "title": "goto",
            "params": {},
            "pageId": "page@1",
            "beforeSnapshot": "before@call@1",
        },
        {"type": "frame-snapshot", "snapshot": snapshot},
        {"type": "after", "callId": "call@1", "endTime": 20},
    ]
    content = {"size": 1, "mimeType": "text/html", "_sha1": "spy"}
    resource = {
        "_frameref": "frame@1",
        "_monotonicTime": 12,
        "startedDateTime": "2024-01-01T00:00:00Z",
        "time": 1,
        "request": {"method": "GET", "url": "http://x/spy", "httpVersion": "HTTP/1.1"}
        | {"cookies": [], "headers": [], "queryString": [], "headersSize": -1, "bodySize": 0},
        "response": {"status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "content": content}
        | {"cookies": [], "headers": [], "headersSize": -1, "bodySize": -1, "redirectURL": ""},
        "cache": {},
        "timings": {"send": -1, "wait": -1, "receive": -1},
    }
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("trace.trace", "".join(json.dumps(event) + "\n" for event in events))
        archive.writestr("trace.network", json.dumps({"type": "resource-snapshot", "snapshot": resource}) + "\n")
        archive.writestr("resources/spy", SPY.replace("REPORTS", served.reports))


def logged_in(served: Addresses, act: object) -> str:
    """Result of *act* with a page whose browser has sent the login to the reports."""

    def run() -> str:
        with sync_playwright() as playwright:
            program = shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(served.reports.replace("//", f"//{LOGIN}@"))
            assert page.get_by_text("mine").count(), "the browser is logged in"
            return act(page)  # type: ignore[operator,no-any-return]

    with ThreadPoolExecutor(1) as own_loop:
        return own_loop.submit(run).result()
