"""The whole road on the node, through Prefect, seen from outside: what users, objects and runs show."""

from __future__ import annotations

import time

import pytest

from azora.gateways.prefect.runs import stages
from tests.support import pipeline
from tests.support.promoted import Yes

pytestmark = pytest.mark.usefixtures("released")


def test_rejection_leaves_production_as_it_was_and_is_no_failure(proved: str) -> None:
    before = pipeline.objects("production")
    run = pipeline.until_it_waits(pipeline.begin("release", ref=proved), seconds=60)
    assert pipeline.objects("production") == before, "something in production changed before a yes"
    pipeline.reject(run)
    over = pipeline.until_over(run)
    assert (over.kind, over.state) == ("COMPLETED", "Rejected")
    assert pipeline.objects("production") == before


def test_a_proved_release_reaches_its_approval_in_15_seconds(proved: str) -> None:
    began = time.monotonic()
    run = pipeline.until_it_waits(pipeline.begin("release", ref=proved), seconds=60)
    took = time.monotonic() - began
    names = [stage.name for stage in stages(run.id)]
    pipeline.reject(run)
    pipeline.until_over(run)
    assert not [name for name in names if name.startswith(("test ", "build "))], "it was tested or built again"
    assert took <= 15, f"{took:.1f} s"


def test_a_yes_moves_users_without_losing_a_request(yes: Yes) -> None:
    after = pipeline.world("production")
    assert yes.over.went_well
    assert after.active is yes.before.preview
    assert pipeline.get("production").headers["X-Azora-Release"] == after.stack(yes.before.preview).label
    assert yes.seen.failed == 0, yes.seen.summary()
    assert yes.seen.unsent == 0
    install = next(stage.seconds for stage in stages(yes.over.id) if stage.name == "production: install preview")
    first_on_new = yes.seen.first_on(str(after.active))
    assert first_on_new is not None
    took = first_on_new - yes.answered
    assert took <= 2 * install, f"{took:.1f} s, the install alone {install:.1f} s"
    assert len(after.switches) == len(yes.before.switches) + 1
    receipt = after.receipt_of(after.switches[-1].number)
    assert receipt is not None
    assert (receipt.verdict, receipt.failed) == ("good", 0)


def test_what_production_already_runs_ends_at_once_saying_so() -> None:
    running = pipeline.cluster("production").running()
    before = pipeline.objects("production")
    began = time.monotonic()
    over = pipeline.until_over(pipeline.begin("release", ref=running.commit), seconds=60)
    assert time.monotonic() - began <= 10
    assert over.state == "Up to date"
    assert "already runs" in over.message
    assert pipeline.objects("production") == before


def test_retry_of_a_finished_run_asks_again_before_it_promotes(yes: Yes) -> None:
    """A run promoted; somebody rolled back; "Retry" must not promote on the old yes."""
    pipeline.until_over(pipeline.begin("rollback", environment="production"))
    assert pipeline.world("production").active is yes.before.active
    pipeline.retry(yes.over)
    pipeline.until_it_waits(yes.over, seconds=60)
    assert pipeline.world("production").active is yes.before.active
    pipeline.reject(yes.over)
    assert pipeline.until_over(yes.over).state == "Rejected"


def test_a_configuration_only_change_is_a_release() -> None:
    before = pipeline.cluster("staging").running()
    pipeline.undo_to(before.commit)
    values = "deployments/values/azora/staging.yaml"
    pipeline.commit({values: f"{pipeline.content(values)}\n# {time.time()}\n"}, "Change a value")
    assert pipeline.until_over(pipeline.begin("deploy-staging", ref="main")).went_well
    after = pipeline.cluster("staging").running()
    assert after.images == before.images
    assert after.id != before.id
