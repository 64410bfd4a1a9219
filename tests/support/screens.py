"""Prefect's pages, by what a person sees and clicks there."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from playwright.sync_api import Error, Locator, Page, expect

from azora.gateways.prefect.runs import Run
from tests.support import pipeline

# Without a graphics card the graph of a run at work, drawn as often as a screen shows it, takes a processor for itself.
DRAWN_SELDOM = """
    const soon = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (draw) => window.watched ? soon(draw) : setTimeout(() => soon(draw), 400);
"""


@dataclass(frozen=True)
class Parameter:
    """One field of a start form: what it says of itself, and what it takes."""

    description: str
    takes: str


@dataclass(frozen=True)
class PrefectUI:
    """One browser tab on Prefect's UI. `folder` keeps its pictures, numbered."""

    page: Page
    folder: Path
    _next: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    # -- anywhere

    def picture(self, name: str) -> None:
        """Keep what the page shows: all of it, or what a dialog leaves to see."""
        file = self.folder / f"{self._next():02} {name}.png"
        self.page.screenshot(path=file, full_page=not self.page.get_by_role("dialog").count())

    def expect_toast(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator("[data-sonner-toast]").filter(has_text=text).first).to_be_visible()

    # -- the door

    def log_in(self, auth_string: str) -> None:
        """Answer Prefect's one question; wherever one wanted to go comes after it."""
        self.page.get_by_placeholder("admin:pass").fill(auth_string)
        self.page.get_by_role("button", name="Login", exact=True).click()

    # -- deployments

    def open_deployments(self) -> None:
        side = self.page.get_by_role("link", name="Deployments", exact=True).first
        side.click() if side.is_visible() else self.page.goto("/v2/deployments")
        expect(self._deployments().first).to_be_visible()

    def deployments(self) -> list[str]:
        """Names on the page of deployments."""
        return self._deployments().all_inner_texts()

    def open_start_form(self, deployment: str) -> None:
        """From the deployments: click the deployment, Run, Custom run."""
        self.open_deployments()
        self.page.get_by_placeholder(re.compile("^Search deployments")).fill(deployment)
        expect(self._deployments()).to_have_text([deployment])
        self._deployments().click()
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Custom run").click()
        expect(self.page.get_by_role("button", name="Submit")).to_be_visible()

    def expect_parameters(self, count: int) -> None:
        """The form is drawn before its fields are."""
        expect(self._parameters()).to_have_count(count)

    def parameters(self) -> dict[str, Parameter]:
        """Parameters that the start form has, in its order."""
        return dict(self._parameter(block) for block in self._parameters().all())

    def fill_parameter(self, name: str, text: str) -> None:
        block = self._parameters().filter(has=self.page.get_by_text(re.compile(rf"^{name}( \(Optional\))?$")))
        box = block.get_by_role("textbox")
        box.fill(text)
        expect(box).to_have_value(text)

    def submit(self) -> Run:
        """Submit the start form and go to the page of the run that it made."""
        with self.page.expect_response(re.compile("/create_flow_run$")) as made:
            self.page.get_by_role("button", name="Submit").click()
        run = pipeline.run_called(made.value.json()["id"])
        with suppress(Error):  # the notice with the link is gone after a few seconds
            self.page.get_by_role("link", name="View run").click(timeout=3000)
        if not self.page.url.endswith(run.id):
            self.open_run(run)
        return run

    def _deployments(self) -> Locator:
        return self.page.locator('a[href*="/deployments/deployment/"]')

    def _parameters(self) -> Locator:
        return self.page.locator("form div.group").filter(has=self.page.locator("label"))

    def _parameter(self, block: Locator) -> tuple[str, Parameter]:
        name = block.locator("label").first.inner_text().removesuffix(" (Optional)")
        return name, Parameter(block.locator("p").first.inner_text(), self._takes(block.locator("fieldset").first))

    def _takes(self, field: Locator) -> str:
        if field.get_by_role("switch").count():
            return "switch"
        if field.get_by_role("tab").count():
            return " or ".join(field.get_by_role("tab").all_inner_texts())
        choice = field.locator("button[aria-haspopup=listbox]")
        if not choice.count():
            return "text" if field.get_by_role("textbox").count() else "nothing"
        choice.click()
        options = self.page.get_by_role("option")
        expect(options.first).to_be_visible()
        offered = " or ".join(sorted(options.all_inner_texts()))
        self.picture("choices")
        self.page.keyboard.press("Escape")
        expect(options).to_have_count(0)
        return offered

    # -- a run

    def open_run(self, run: Run) -> None:
        self.page.goto(f"/v2/runs/flow-run/{run.id}")
        expect(self.state()).to_be_visible()

    def state(self) -> Locator:
        """The badge under the name of the run."""
        return self.page.locator("nav[aria-label=breadcrumb] + div [data-slot=badge]").first

    def wait_until(self, run: Run, state: str, *, seconds: float) -> None:
        """Wait until *run* is in *state*, which its page then shows.

        No page is open meanwhile, for an open page costs a processor.
        """
        self.page.goto("about:blank")
        pipeline.wait_for(run, lambda now: now.state == state, seconds=seconds)
        self.open_run(run)
        expect(self.state()).to_have_text(state)

    def picture_of_graph(self, name: str) -> None:
        """Take a picture of the page with the whole graph.

        The graph follows the clock, away from the stages while a run waits.
        """
        self.page.evaluate("window.watched = true")
        self.page.locator("button:has(svg.lucide-crosshair)").click()
        graph, before = self.page.locator("canvas"), b""
        for _ in range(10):  # it moves there, and nothing but its picture says when it arrived
            now = graph.screenshot()
            if now == before:
                break
            before = now
        self.picture(name)
        self.page.evaluate("window.watched = false")

    def open_tab(self, name: str) -> Locator:
        self.page.get_by_role("tab", name=name, exact=True).click()
        return self.page.get_by_role("tabpanel", name=name, exact=True)

    # -- the question

    def open_question(self) -> Locator:
        """Open menu, Resume: the form."""
        self.page.get_by_role("button", name="Open menu").click()
        self.page.get_by_role("menuitem", name="Resume").click()
        question = self.page.get_by_role("dialog", name="Resume Flow Run")
        expect(question.get_by_role("textbox", name="Reason")).to_be_visible()
        return question

    def fill_answer(self, question: Locator, *, decision: str, approver: str, reason: str) -> None:
        choice = question.get_by_role("button", name="Select Decision")
        choice.click()
        self.page.get_by_role("option", name=decision, exact=True).click()
        question.get_by_role("textbox", name="Approver").click()  # the list stays open until then
        expect(self.page.get_by_role("option")).to_have_count(0)
        expect(choice).to_have_text(decision)
        question.get_by_role("textbox", name="Approver").fill(approver)
        question.get_by_role("textbox", name="Reason").fill(reason)

    def send_answer(self, question: Locator) -> None:
        question.get_by_role("button", name="Resume", exact=True).click()
