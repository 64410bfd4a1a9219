"""One id leads from a run in Prefect to its lines in the pipeline's log and to its events in the cluster.

Early among the tests on the node: the API server forgets events after an hour.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from azora.config.settings import settings
from azora.core.colors import COLOR_LABEL
from azora.core.release.release import LABEL_DIGITS
from azora.gateways.kubernetes.events import RUN_LABEL
from azora.gateways.prefect.runs import Run, stages
from azora.host.log_file import log_file
from tests.support import pipeline
from tests.support.first_release import FirstRelease
from tests.support.logs import IS, documented, flat, kibana, used

Line = dict[str, Any]

FIRST_PROMOTION = ["InstallData", "InstallPreview", "InstallRouter", "Switch", "Watch"]


def of_the_pipeline() -> list[Line]:
    """What the pipeline's log has, what was turned over included."""
    file = log_file(settings())
    return [
        flat(json.loads(line)) for one in file.parent.glob(f"{file.name}*") for line in one.read_text().splitlines()
    ]


def of_pods(environment: str) -> list[Line]:
    """The newest lines of the pods of both stacks."""
    namespace = pipeline.cluster(environment).namespace.name
    flags = ("--tail=200", "--max-log-requests=60", "--all-containers")
    said = pipeline.kubectl("-n", namespace, "logs", "-l", COLOR_LABEL, *flags)
    return [flat(json.loads(line)) for line in said.splitlines()]


def of_run(run: str) -> list[Line]:
    return [line for line in of_the_pipeline() if line.get("labels.run") == run]


def events_of(run: str, environment: str) -> list[dict[str, Any]]:
    """As a person asks for them, in the order in which they were made."""
    namespace = pipeline.cluster(environment).namespace.name
    said = pipeline.kubectl("-n", namespace, "get", "events", "-l", f"{RUN_LABEL}={run}", "-o", "json")
    found: list[dict[str, Any]] = json.loads(said)["items"]
    return sorted(found, key=lambda event: str(event["eventTime"]))


@pytest.fixture(scope="module")
def failed(first_release: FirstRelease) -> Run:  # noqa: ARG001 - the node must serve users
    """A run that ends at its first step, with an error."""
    run = pipeline.begin("deploy-staging", ref="no-such-branch")
    return pipeline.wait_for(run, lambda now: now.is_over, seconds=60)


def test_each_stage_of_a_run_is_in_the_pipelines_log_by_its_id(first_release: FirstRelease) -> None:
    of_tasks = {line.get("labels.task") for line in of_run(first_release.run)}
    names = {stage.name for stage in stages(first_release.run)}
    assert "production: switch users" in names
    assert names - of_tasks == set()


def test_what_it_did_in_production_names_the_environment_the_release_and_the_color(first_release: FirstRelease) -> None:
    first = pipeline.world("production").switches[0]
    lines = [line for line in of_run(first_release.run) if line.get("labels.task") == "production: switch users"]
    assert {line["service.environment"] for line in lines} == {"production"}
    assert {line["service.version"] for line in lines} == {first.release[:LABEL_DIGITS]}
    assert str(first.to) in {line.get("labels.color") for line in lines}


def test_its_steps_are_events_of_the_namespace_in_their_order(first_release: FirstRelease) -> None:
    events = events_of(first_release.run, "production")
    assert {event["type"] for event in events} == {"Normal"}
    assert [event["reason"] for event in events if event["reason"] in FIRST_PROMOTION] == FIRST_PROMOTION
    for event in events:
        assert event["involvedObject"]["name"] == pipeline.cluster("production").namespace.live_service
        assert event["reportingInstance"] == first_release.run


def test_kubectl_shows_them_in_words_for_people(first_release: FirstRelease) -> None:
    namespace = pipeline.cluster("production").namespace.name
    shown = pipeline.kubectl("-n", namespace, "get", "events", "-l", f"{RUN_LABEL}={first_release.run}", "--no-headers")
    assert "switch users: " in shown
    assert f"service/{pipeline.cluster('production').namespace.live_service}" in shown


def test_a_run_that_failed_is_found_among_the_errors(failed: Run) -> None:
    errors = [line for line in of_run(failed.id) if line["log.level"] == "error"]
    assert any(line.get("error.type") == "BadInput" for line in errors)
    assert any("no-such-branch" in line["message"] for line in errors)


@pytest.mark.usefixtures("failed")
def test_the_lines_of_a_node_have_each_field_that_kibana_asks_for_with_its_type() -> None:
    lines, fields = [*of_the_pipeline(), *of_pods("production")], documented()
    for saved in kibana():
        for field in set(used(saved)):
            values = [line[field] for line in lines if field in line]
            assert values, f"{saved['id']} asks for {field}"
            assert all(IS[fields[field]](value) for value in values), field
