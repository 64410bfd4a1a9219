"""Metrics of a run: its result and the durations of its stages, counted in the cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging.loggers import flow_run_logger
from prefect.utilities.callables import get_parameter_defaults

from azora.config.environment import environments
from azora.config.settings import settings
from azora.core.cluster.run_counts import Ending, RunCounts, by_environment
from azora.errors import AzoraError, BadInput
from azora.gateways.prefect.runs import finished_stages
from tasks.context import cluster_of


def count_run(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Hook for the end of a run: count it.

    An unreachable cluster or Prefect costs the count, and a line in the log.
    """
    try:
        home = environment_of(get_parameter_defaults(flow.fn) | flow_run.parameters, flow_run.tags)
        finished = finished_stages(str(flow_run.id), killed=state.is_crashed())
        stages = by_environment(finished, environments(settings().environments), home)
        ending = Ending(
            flow=flow.name,
            result=(state.name or state.type.value).lower(),
            went_well=state.is_completed(),
            at=datetime.now(UTC),
        )
        for name in sorted({home, *stages}):
            cluster_of(name).record.count(partial(_counted, ending if name == home else None, stages.get(name, [])))
    except AzoraError as error:
        flow_run_logger(flow_run, flow).warning("could not count this run: %s", error.message)


def environment_of(parameters: Mapping[str, Any], tags: Sequence[str]) -> str:
    """The one that a run is about: its parameter, or else the tag of its deployment that names one."""
    known = environments(settings().environments)
    given = [str(parameters[name]) for name in ("environment", "to") if name in parameters]
    named = given or tags
    found = [name for name in named if name in known]
    if len(found) != 1:
        raise BadInput(
            f"could not find the environment of this run: {list(named)} name {found or 'none'}",
            advice="add a tag with one environment's name to its deployment in prefect.yaml",
        )
    return found[0]


def _counted(ending: Ending | None, stages: list[tuple[str, float]], tally: RunCounts) -> RunCounts:
    counted = tally.after_stages(stages)
    return counted.after_run(ending) if ending else counted
