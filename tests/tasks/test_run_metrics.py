"""Counts that the end of a run leaves in the record of each environment that it touched."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from prefect import flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Completed, Failed

from azora.core.cluster.run_counts import RunCounts
from azora.errors import BadInput, Unreachable
from tasks import run_metrics
from tasks.run_metrics import count_run, environment_of


@flow(name="road")
def road(ref: str = "main") -> str:
    return ref


@pytest.fixture
def tallies(monkeypatch: pytest.MonkeyPatch) -> dict[str, RunCounts]:
    """The record of each environment; the run had three stages."""
    found: dict[str, RunCounts] = {}

    class Counting:
        def __init__(self, name: str) -> None:
            self.name = name

        def count(self, change: Callable[[RunCounts], RunCounts]) -> None:
            found[self.name] = change(found.get(self.name, RunCounts()))

    stages = [("test edge", 3.0), ("staging: install preview", 14.0), ("production: look", 0.1)]
    monkeypatch.setattr(run_metrics, "finished_stages", lambda *_, **__: stages)
    monkeypatch.setattr(run_metrics, "cluster_of", lambda name: SimpleNamespace(record=Counting(name)))
    return found


def run(tags: list[str], parameters: dict[str, Any] | None = None) -> FlowRun:
    return FlowRun(id=uuid4(), flow_id=uuid4(), name="road main", tags=tags, parameters=parameters or {})


@pytest.mark.parametrize(
    ("state", "result", "went_well"),
    [
        pytest.param(Completed(), "completed", True, id="completed"),
        pytest.param(Completed(name="Rejected"), "rejected", True, id="a person said no: the pipeline did its work"),
        pytest.param(Failed(message="it broke"), "failed", False, id="failed"),
    ],
)
def test_counts_of_a_run(tallies: dict[str, RunCounts], state: State[Any], result: str, went_well: bool) -> None:
    """A run counts for its environment, and each stage for the one where it ran."""
    count_run(road, run(["release", "production"]), state)
    ended = tallies["production"].flows["road"]
    assert (dict(ended.results), ended.last.went_well) == ({result: 1}, went_well)
    assert tallies["staging"].flows == {}
    assert set(tallies["staging"].stages) == {"install preview"}
    assert set(tallies["production"].stages) == {"test edge", "look"}


def test_counts_without_a_cluster(tallies: dict[str, RunCounts], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the cluster the count is lost, and the run is not."""

    def away(_: str) -> None:
        raise Unreachable("could not reach it")

    monkeypatch.setattr(run_metrics, "cluster_of", away)
    count_run(road, run(["production"]), Completed())
    assert tallies == {}


@pytest.mark.parametrize(
    ("parameters", "tags", "environment"),
    [
        pytest.param({"environment": "staging"}, ["rescue"], "staging", id="its parameter"),
        pytest.param({"environment": "staging"}, ["production"], "staging", id="its parameter before a tag"),
        pytest.param({}, ["nightly", "staging"], "staging", id="the tag that names one"),
    ],
)
def test_environment_of_a_run(parameters: dict[str, Any], tags: list[str], environment: str) -> None:
    """The parameter names a run's environment, else the one tag that does."""
    assert environment_of(parameters, tags) == environment


@pytest.mark.parametrize("tags", [["check"], ["staging", "production"]], ids=["none", "two"])
def test_environment_that_is_not_clear(tags: list[str]) -> None:
    """The error names prefect.yaml."""
    with pytest.raises(BadInput, match=r"prefect\.yaml"):
        environment_of({}, tags)
