"""Previews of runs that are over: removed at the run's end, or by whatever run begins or ends next."""

from __future__ import annotations

from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging.loggers import flow_run_logger

from azora.config.settings import settings
from azora.errors import AzoraError
from azora.operations.preview_removal import remove_everywhere


def remove_abandoned_previews(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Hook for the start and the end of a run, where an environment's policy is `preview: remove`.

    An error is a warning: the next run or `azora prune` tries again.
    """
    try:
        troubles = remove_everywhere(
            settings(), ended=str(flow_run.id) if state.is_final() or state.is_cancelling() else ""
        )
    except AzoraError as error:
        troubles = [error.message]
    for trouble in troubles:
        flow_run_logger(flow_run, flow).warning(trouble)
