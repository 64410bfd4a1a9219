"""Odd texts of commits in Prefect's own pages and forms.

They are read there letter by letter, and the plan around them is whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
from playwright.sync_api import Locator, expect

from azora.core.messages.foreign_text import line
from azora.core.messages.plan_page import commits_page, markdown
from azora.core.promotion.plan import Change, Plan
from tasks.approval_forms import form_of
from tests.support import pipeline
from tests.support.odd_plans import plan_of_odd
from tests.support.odd_texts import ODD_TEXTS
from tests.support.screens import PrefectUI

# Each element of a page that is not the document's own.
ELEMENTS = "e => [...new Set([...e.querySelectorAll('*')].map(one => one.tagName))].sort()"
OURS = {"H1", "H2", "H3", "TABLE", "THEAD", "TBODY", "TR", "TH", "TD", "UL", "LI", "CODE", "STRONG", "P"}
ROWS = 11  # of the table that each plan begins with


def read(odd: str) -> str:
    """Text that a person reads of *odd*."""
    return line(odd) or "–"


def plan_of_all() -> Plan:
    """A plan of as many commits as there are odd texts, each with one for its subject and for its author."""
    every = tuple(Change("1234567", text, text) for text in ODD_TEXTS.values())
    return replace(plan_of_odd(ODD_TEXTS["markdown and html"]), changes=every)


def test_pages(ui: PrefectUI) -> None:
    """A plan about each of the odd texts, one after the other: every heading, row and item is there, and no element more."""
    plans = [markdown(plan_of_odd(text)) for text in ODD_TEXTS.values()]
    with pipeline.prefect() as client, left(client, "\n\n".join([*plans, commits_page(plan_of_all())])) as page:
        ui.page.goto(f"/v2/artifacts/artifact/{page}")
        shown = ui.page.get_by_test_id("markdown-display")
        expect(shown.locator("h1")).to_be_visible(timeout=60_000)
        ui.picture("odd texts")
        assert set(shown.evaluate(ELEMENTS)) <= OURS
        titles = [read(text) if line(text) else "aaaaaaa" for text in ODD_TEXTS.values()]
        assert shown.locator("h2").all_text_contents() == titles
        assert shown.locator("table").count() == 2 * len(titles)
        assert shown.locator("table").first.locator("tr").count() == ROWS
        assert shown.locator("tr").count() == (ROWS + 2) * len(titles)
        items = shown.locator("ul").last.locator("li").all_text_contents()
        assert items == [f"1234567 {read(text)} ({read(text)})" for text in ODD_TEXTS.values()]


def test_form(ui: PrefectUI) -> None:
    """The form of a run that waits shows the same, and its fields."""
    with pipeline.prefect() as client, waiting_with(client, form_of(plan_of_all(), [ODD_TEXTS["a template"]])) as run:
        ui.page.goto(f"/v2/runs/flow-run/{run}")
        question = ui.open_question()
        ui.picture("odd texts in the form")
        expect(question.locator("h2", has_text=ODD_TEXTS["markdown and html"])).to_be_visible()
        plan = question.locator("div", has=ui.page.locator("> h2 > code")).last
        assert set(plan.evaluate(ELEMENTS)) <= OURS
        assert plan.locator("p").first.text_content() == f"This replaces the request before: {ODD_TEXTS['a template']}"
        first = list(ODD_TEXTS.values())[:10]
        assert commits(plan)[:10] == [f"1234567 {read(text)} ({read(text)})" for text in first]
        assert commits(plan)[10] == f"… and {len(ODD_TEXTS) - 10} more, see the page production-commits"


def commits(plan: Locator) -> list[str]:
    return plan.locator("ul li").all_text_contents()


@contextmanager
def left(client: httpx.Client, text: str) -> Iterator[str]:
    """A page of Prefect, for the block."""
    body = {"key": "odd-texts", "type": "markdown", "data": text}
    page = client.post("/artifacts/", json=body).raise_for_status().json()["id"]
    try:
        yield page
    finally:
        client.delete(f"/artifacts/{page}").raise_for_status()


@contextmanager
def waiting_with(client: httpx.Client, form: Any) -> Iterator[str]:
    """A run of a flow of its own that waits with *form*, for the block."""
    keys = {name: f"odd-{name}" for name in ("schema", "description", "response")}
    state = {"type": "PAUSED", "name": "Suspended", "state_details": {"run_input_keyset": keys}}
    flow = client.post("/flows/", json={"name": "odd-texts"}).raise_for_status().json()["id"]
    try:
        run = client.post("/flow_runs/", json={"flow_id": flow, "state": state}).raise_for_status().json()["id"]
        inputs = {"schema": form.model_json_schema(), "description": form._description}
        for name, value in inputs.items():
            body = {"key": keys[name], "value": json.dumps(value)}
            client.post(f"/flow_runs/{run}/input", json=body).raise_for_status()
        yield run
    finally:
        client.delete(f"/flows/{flow}").raise_for_status()
