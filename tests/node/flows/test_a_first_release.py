"""The first release into an empty namespace, and into one where a killed one left half of everything."""

from __future__ import annotations

from azora.gateways.prefect.runs import stages
from tests.support import pipeline
from tests.support.first_release import FirstRelease


def test_an_empty_namespace_comes_up_blue_and_with_one_switch(first_release: FirstRelease) -> None:
    first = pipeline.world("production").switches[0]
    assert (first.number, first.kind, first.to, first.by) == (1, "first", "blue", first_release.run)


def test_what_a_killed_first_deployment_left_is_gone_over(first_release: FirstRelease) -> None:
    assert pipeline.run_called(first_release.killed).kind == "CRASHED"
    names = [stage.name for stage in stages(first_release.run)]
    assert "staging: repair Helm" in names
    first = pipeline.world("staging").switches[0]
    assert (first.number, first.kind, first.to, first.by) == (1, "first", "blue", first_release.run)
