"""A release by mouse: start it, see it wait, answer it, see what became of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from azora.config.settings import settings
from azora.gateways.prefect.runs import Run
from tests.support import pipeline
from tests.support.screens import PrefectUI

pytestmark = pytest.mark.usefixtures("served_book")  # production serves users


def start(ui: PrefectUI, commit: str) -> Run:
    """From the page of deployments to the page of a run that waits for its answer."""
    ui.open_start_form(f"{settings().application}-release")
    ui.fill_parameter("ref", commit)
    ui.picture("start form")
    run = ui.submit()
    ui.wait_until(run, "Suspended", seconds=900)
    expect(ui.page.get_by_role("navigation", name="breadcrumb")).to_contain_text(f"release {commit[:7]}")
    return run


def test_rejection(ui: PrefectUI) -> None:
    """A rejection in the form ends the run as Rejected, and leaves production alone."""
    before = pipeline.objects("production")
    run = start(ui, pipeline.commit())
    assert pipeline.objects("production") == before, "something in production changed before an answer"
    ui.picture_of_graph("waiting")

    question = ui.open_question()
    ui.fill_answer(question, decision="reject", approver="ada", reason="not on a Friday")
    ui.picture("rejection")
    ui.send_answer(question)
    ui.expect_toast("Flow run resumed")
    ui.wait_until(run, "Rejected", seconds=180)
    expect(ui.state()).to_have_class(re.compile("state-completed"))  # green: the pipeline did its work
    ui.picture("rejected")

    assert pipeline.run_called(run.id).kind == "COMPLETED"
    assert pipeline.objects("production") == before


def test_approval(ui: PrefectUI) -> None:
    """An approval in the form moves users; an incomplete one does not."""
    change, before = pipeline.a_proved_commit(), pipeline.world("production")
    run = start(ui, change)

    stages = ui.open_tab("Task Runs")
    expect(stages.get_by_text("production: plan")).to_be_visible()
    expect(ui.page.locator("canvas")).to_be_visible()
    ui.picture_of_graph("waiting")

    question = ui.open_question()
    for shown in (
        f"release {change[:7]}",
        pipeline.git("log", "-1", "--format=%s", change),
        "would run",
        next(kept.id[:12] for kept in pipeline.releases_of("staging") if kept.commit == change),
    ):
        expect(question).to_contain_text(shown)
    expect(question.get_by_role("row", name=re.compile("^plan [0-9a-f]{12}$"))).to_be_visible()
    ui.picture("question")

    ui.send_answer(question)
    ui.expect_toast("is a required property")
    ui.picture("empty answer")
    assert pipeline.run_called(run.id).waits

    ui.fill_answer(question, decision="approve", approver="ada", reason="ok")
    ui.send_answer(question)
    ui.expect_toast("is too short")
    ui.picture("too short an answer")
    assert pipeline.run_called(run.id).waits
    assert pipeline.world("production") == before

    ui.fill_answer(question, decision="approve", approver="ada", reason="tested and awaited")
    ui.picture("approval")
    ui.send_answer(question)
    ui.expect_toast("Flow run resumed")
    ui.wait_until(run, "Completed", seconds=600)
    ui.picture_of_graph("done")

    assert pipeline.world("production").active is before.preview
    assert pipeline.get("production").headers["X-Azora-Color"] == before.preview
