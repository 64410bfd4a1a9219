"""The whole road on the node, through Prefect, seen from outside: what users, objects and runs show."""

from __future__ import annotations

import time

import pytest

from azora.gateways.prefect.runs import stages
from tests import road
from tests.flows.conftest import Yes

pytestmark = pytest.mark.usefixtures("released")


def test_rejection_leaves_production_as_it_was_and_is_no_failure(proved: str) -> None:
    before = road.objects("production")
    run = road.until_it_waits(road.begin("release", ref=proved), seconds=60)
    assert road.objects("production") == before, "something in production changed before a yes"
    road.reject(run)
    over = road.until_over(run)
    assert (over.kind, over.state) == ("COMPLETED", "Rejected")
    assert road.objects("production") == before


def test_a_proved_release_reaches_its_approval_in_15_seconds(proved: str) -> None:
    began = time.monotonic()
    run = road.until_it_waits(road.begin("release", ref=proved), seconds=60)
    took = time.monotonic() - began
    names = [stage.name for stage in stages(run.id)]
    road.reject(run)
    road.until_over(run)
    assert not [name for name in names if name.startswith(("test ", "build "))], "it was tested or built again"
    assert took <= 15, f"{took:.1f} s"


def test_a_yes_moves_users_without_losing_a_request(yes: Yes) -> None:
    after = road.world("production")
    assert yes.over.went_well
    assert after.active is yes.before.preview
    assert road.get("production").headers["X-Azora-Release"] == after.stack(yes.before.preview).label
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
    running = road.cluster("production").running()
    before = road.objects("production")
    began = time.monotonic()
    over = road.until_over(road.begin("release", ref=running.commit), seconds=60)
    assert time.monotonic() - began <= 10
    assert over.state == "Already there"
    assert "already runs" in over.message
    assert road.objects("production") == before


def test_retry_of_a_finished_run_asks_again_before_it_promotes(yes: Yes) -> None:
    """A run promoted; somebody rolled back; "Retry" must not promote on the old yes."""
    road.until_over(road.begin("rollback", environment="production"))
    assert road.world("production").active is yes.before.active
    road.retry(yes.over)
    road.until_it_waits(yes.over, seconds=60)
    assert road.world("production").active is yes.before.active
    road.reject(yes.over)
    assert road.until_over(yes.over).state == "Rejected"


def test_a_configuration_only_change_is_a_release() -> None:
    before = road.cluster("staging").running()
    road.undo_to(before.commit)
    values = "deployments/values/azora/staging.yaml"
    road.commit({values: f"{road.content(values)}\n# {time.time()}\n"}, "Change a value")
    assert road.until_over(road.begin("deploy-staging", ref="main")).went_well
    after = road.cluster("staging").running()
    assert after.images == before.images
    assert after.id != before.id
