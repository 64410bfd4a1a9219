"""Approval requests that nobody can answer any more, seen by whatever run begins next."""

from __future__ import annotations

from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging.loggers import flow_run_logger

from azora.config.settings import settings
from azora.errors import AzoraError
from azora.operations.approval_requests import forget_stale_everywhere


def forget_stale_questions(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - Prefect's signature
    """Hook for the start of a run: close requests of finished runs.

    An error is a warning.
    """
    try:
        troubles = forget_stale_everywhere(settings(), run=str(flow_run.id))
    except AzoraError as error:
        troubles = [error.message]
    for trouble in troubles:
        flow_run_logger(flow_run, flow).warning(trouble)
