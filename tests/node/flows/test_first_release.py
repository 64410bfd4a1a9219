"""The first release: over what a killed one left, and traced by its id in the log and in the cluster."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from typing import Any

import pytest

from azora.core.colors import Color
from azora.core.release.release import LABEL_DIGITS
from azora.gateways.kubernetes.events import RUN_LABEL
from azora.gateways.prefect.runs import Run, stages
from tests.support import pipeline
from tests.support.guestbook import Guestbook
from tests.support.logs import lines_of_the_pipeline

FIRST_PROMOTION = ["InstallPreview", "InstallRouter", "Switch", "Watch"]


@dataclass(frozen=True)
class First:
    """Ids of two runs: one killed while it installed staging, and one that went over what it left."""

    killed: str
    run: str


@pytest.fixture(scope="module")
def first(book: Guestbook) -> First:
    """Production begins as an empty namespace, staging with what a killed first deployment left."""
    commit = book.commit(book.ready_after(8))
    name = pipeline.cluster("staging").namespace.stack_name(Color.BLUE)
    killed = pipeline.begin("deploy-staging", ref=commit)
    pipeline.wait_for(killed, lambda _: name in pipeline.world("staging").pending, seconds=120)
    os.kill(pipeline.process_of(killed), signal.SIGKILL)
    pipeline.kill_helm(name)
    pipeline.wait_for(killed, lambda now: now.kind == "CRASHED", seconds=60)
    run = pipeline.until_it_waits(pipeline.begin("release", ref=commit))
    pipeline.approve(run)
    assert pipeline.until_over(run).went_well
    return First(killed.id, run.id)


@pytest.fixture(scope="module")
def failed(book: Guestbook) -> Run:  # noqa: ARG001 - Prefect must know it
    """A run that ends at its first step, with an error."""
    run = pipeline.begin("deploy-staging", ref="no-such-branch")
    return pipeline.until_over(run, seconds=60)


def of_run(run: str) -> list[dict[str, Any]]:
    return [line for line in lines_of_the_pipeline() if line.get("labels.run") == run]


def events_of(run: str, environment: str) -> list[dict[str, Any]]:
    """Events of *run* as a person lists them, in the order in which they were made."""
    namespace = pipeline.cluster(environment).namespace.name
    printed = pipeline.kubectl("-n", namespace, "get", "events", "-l", f"{RUN_LABEL}={run}", "-o", "json")
    found: list[dict[str, Any]] = json.loads(printed)["items"]
    return sorted(found, key=lambda event: str(event["eventTime"]))


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_first_switch(first: First, environment: str) -> None:
    """A first release comes up blue, with one switch on record, even over what a killed deployment left."""
    switch, *others = pipeline.world(environment).switches
    assert (switch.number, switch.kind, switch.to, switch.by) == (1, "first", "blue", first.run)
    assert others == []


def test_half_done_helm_release(first: First) -> None:
    """The next run repairs what the killed Helm left."""
    assert pipeline.run_called(first.killed).kind == "CRASHED"
    assert "staging: repair Helm" in [stage.name for stage in stages(first.run)]


def test_log_lines_by_run(first: First) -> None:
    """Each stage of a run is in the pipeline's log, by the run's id."""
    of_tasks = {line.get("labels.task") for line in of_run(first.run)}
    names = {stage.name for stage in stages(first.run)}
    assert "production: switch users" in names
    assert names - of_tasks == set()


def test_log_lines_of_a_switch(first: First) -> None:
    """Lines about production name the environment, the release and the color."""
    switch = pipeline.world("production").switches[0]
    lines = [line for line in of_run(first.run) if line.get("labels.task") == "production: switch users"]
    assert {line["service.environment"] for line in lines} == {"production"}
    assert {line["service.version"] for line in lines} == {switch.release[:LABEL_DIGITS]}
    assert str(switch.to) in {line.get("labels.color") for line in lines}


def test_log_lines_of_a_failure(failed: Run) -> None:
    """A run that failed is found among the errors."""
    errors = [line for line in of_run(failed.id) if line["log.level"] == "error"]
    assert any(line.get("error.type") == "BadInput" for line in errors)
    assert any("no-such-branch" in line["message"] for line in errors)


def test_events_by_run(first: First) -> None:
    """The steps are events of the namespace, in their order, and name the run."""
    events = events_of(first.run, "production")
    assert {event["type"] for event in events} == {"Normal"}
    assert [event["reason"] for event in events if event["reason"] in FIRST_PROMOTION] == FIRST_PROMOTION
    for event in events:
        assert event["involvedObject"]["name"] == pipeline.cluster("production").namespace.live_service
        assert event["reportingInstance"] == first.run


def test_events_in_kubectl(first: First) -> None:
    """`kubectl get events` shows them in words for people."""
    namespace = pipeline.cluster("production").namespace.name
    shown = pipeline.kubectl("-n", namespace, "get", "events", "-l", f"{RUN_LABEL}={first.run}", "--no-headers")
    assert "switch users: " in shown
    assert f"service/{pipeline.cluster('production').namespace.live_service}" in shown
