"""A release through Prefect, seen from outside: by users, objects, runs, and whoever is notified."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from azora.config.settings import settings
from azora.core.checks.probe_result import ProbeResult
from azora.core.cluster.state import World
from azora.core.messages.plan_page import evidence_address
from azora.gateways.prefect.runs import Run, stages
from azora.gateways.prefect.waiting_plan import waiting_plan
from azora.operations.metrics.exporter import exporter_of
from tests.support import pipeline
from tests.support.guestbook import Guestbook
from tests.support.receiver import Receiver, receiving
from tests.support.reports import report_server
from tests.support.users import users_of

STAGING_VALUES = "deployments/values/guestbook/staging.yaml"


@dataclass(frozen=True)
class Promoted:
    """Promotion of production, its run, and what was observed around it.

    *before* is the world before it, *steps* those before the request, *approved* a Unix time, *seen* what users met.
    """

    before: World
    steps: list[str]
    approved: float
    over: Run
    seen: ProbeResult
    request: list[dict[str, Any]]
    notifications: list[dict[str, Any]]


@contextmanager
def notified(receiver: Receiver) -> Iterator[None]:
    """Every run reads the receiver's address in the machine's file, after one where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        away = nobody.getsockname()[1]
    file = settings().notify_file
    assert file
    file.write_text(f"json://127.0.0.1:{away}/\njson://{receiver.place}/\n")
    yield
    file.write_text("")


@pytest.fixture(scope="module")
def proved(served_book: Guestbook) -> str:  # noqa: ARG001 - production serves users
    """A commit that staging proved and that no color of production holds."""
    return pipeline.proved(pipeline.commit())


@pytest.fixture(scope="module")
def promoted(proved: str) -> Promoted:
    """Production is promoted to *proved*, under users; one of the two addresses that are notified is away."""
    before = pipeline.world("production")
    with receiving() as receiver, notified(receiver):
        run = pipeline.until_it_waits(pipeline.begin("release", ref=proved), seconds=60)
        request = [notice for _, notice in receiver.got]
        steps = [stage.name for stage in stages(run.id)]
        with users_of("production") as users:
            approved = time.time()
            pipeline.approve(run)
            over = pipeline.until_over(run)
            return Promoted(
                before, steps, approved, over, users.stop(), request, [notice for _, notice in receiver.got]
            )


def test_rejection(served_book: Guestbook) -> None:  # noqa: ARG001
    """Nothing in production differs before an approval; metrics and evidence show the request; a rejection is no failure."""
    commit, before = pipeline.commit(message="Sign the <book>"), pipeline.objects("production")
    run = pipeline.until_it_waits(pipeline.begin("release", ref=commit))
    assert pipeline.objects("production") == before, "something in production changed before an approval"
    assert waiting_seconds() > 0
    assert_evidence(served_page(evidence_address(waiting_plan(run.id).text)))
    pipeline.reject(run)
    over = pipeline.until_over(run)
    assert (over.kind, over.state) == ("COMPLETED", "Rejected")
    assert pipeline.objects("production") == before
    assert waiting_seconds() == 0


def assert_evidence(page: str) -> None:
    """The page has the commit, the one object that changes, and the stage's tests and receipt."""
    assert "<h1>Sign the &lt;book&gt;</h1>" in page
    (changed,) = re.findall(r'class="name">([^<]*)<', page)
    assert changed.startswith("Deployment ")
    assert '<span class="ok">passed</span> Smoke cases of staging' in page
    assert '<strong class="ok">good</strong>' in page
    assert "Not everything could be read" not in page


def served_page(address: str) -> str:
    """Content of a signed *address*, from a report server that reads this application's runs."""
    with report_server() as here:
        return httpx.get(address.replace(settings().reports_url, here.reports)).raise_for_status().text


def waiting_seconds() -> float:
    """Seconds that the oldest request for production waits, as the exporter measures them now."""
    found = {family.name: family for family in exporter_of(settings()).collect()}
    samples = found["azora_approval_waiting_seconds"].samples
    return next(one.value for one in samples if one.labels["environment"] == "production")


def test_proved_release(promoted: Promoted) -> None:
    """A release that staging proved is neither tested nor built again before its approval is requested."""
    assert "production: plan" in promoted.steps
    assert not [name for name in promoted.steps if name.startswith(("test ", "build ", "staging: install"))]


def test_promotion_under_users(promoted: Promoted) -> None:
    """An approval moves users to the release, and no request is lost."""
    switches = pipeline.world("production").switches[len(promoted.before.switches) :]
    assert promoted.over.went_well
    assert (switches[0].to, switches[0].by) == (promoted.before.preview, promoted.over.id)
    assert promoted.seen.failed == 0, promoted.seen.summary()
    assert promoted.seen.unsent == 0
    first_on_new = promoted.seen.first_on(str(promoted.before.preview))
    assert first_on_new is not None
    assert first_on_new > promoted.approved
    receipt = pipeline.world("production").receipt_of(switches[0].number)
    assert receipt is not None
    assert (receipt.verdict, receipt.failed) == ("good", 0)


def test_release_that_already_runs(served_book: Guestbook) -> None:  # noqa: ARG001
    """A release that production already runs ends at once, says so, and changes nothing."""
    running = pipeline.cluster("production").running()
    before = pipeline.objects("production")
    over = pipeline.until_over(pipeline.begin("release", ref=running.commit), seconds=60)
    if over.state == "Completed":  # after a rollback, the first one records it in Helm
        before = pipeline.objects("production")
        over = pipeline.until_over(pipeline.begin("release", ref=running.commit), seconds=60)
    assert over.state == "Up to date"
    assert "already runs" in over.message
    assert pipeline.objects("production") == before


def test_retry_of_a_finished_run(promoted: Promoted) -> None:
    """A run promoted, and somebody rolled back: "Retry" requests an approval again, and does not promote on the old one."""
    pipeline.until_over(pipeline.begin("rollback", environment="production"))
    assert pipeline.world("production").active is promoted.before.active
    pipeline.retry(promoted.over)
    pipeline.until_it_waits(promoted.over, seconds=60)
    assert pipeline.world("production").active is promoted.before.active
    pipeline.reject(promoted.over)
    assert pipeline.until_over(promoted.over).state == "Rejected"


def test_change_of_configuration(served_book: Guestbook) -> None:  # noqa: ARG001
    """A change of values alone is a release: the same images, another id."""
    before = pipeline.cluster("staging").running()
    pipeline.undo_to(before.commit)
    pipeline.commit({STAGING_VALUES: f"{pipeline.content(STAGING_VALUES)}\n# {time.time()}\n"}, "Change a value")
    assert pipeline.until_over(pipeline.begin("deploy-staging", ref="main")).went_well
    after = pipeline.cluster("staging").running()
    assert after.images == before.images
    assert after.id != before.id


def test_notification_of_a_request(promoted: Promoted) -> None:
    """A request for approval is notified once, with the page where it is answered."""
    (request,) = promoted.request
    assert request["title"].startswith(f"{settings().application}: production waits for an approval: ")
    assert f"to answer, choose Resume: {promoted.over.url}" in request["message"]


def test_notification_of_a_promotion(promoted: Promoted) -> None:
    """A promotion is notified with its counts and its approver; an address that is away costs the release nothing."""
    _, done = promoted.notifications
    assert done["title"].startswith(f"{settings().application}: production runs ")
    assert "requests around the switch, 0 failed" in done["message"]
    assert "approved by ada: tested and awaited" in done["message"]
    assert promoted.over.url in done["message"]
