"""Retries: when a task is tried again, and which results are kept for a run that starts over."""

from __future__ import annotations

from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from pydantic_core import to_jsonable_python

from azora.core.release.release import digest
from azora.errors import TransientError


def if_transient(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001 - Prefect's signature
    """Only what may be gone in a moment is tried again."""
    return isinstance(state.result(raise_on_failure=False), TransientError)


def once_per_run(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """A run that was suspended and starts from the top finds what it had done, and nothing of other runs."""
    run = context.task_run.flow_run_id
    return f"{run}/{context.task.name}-{digest(to_jsonable_python(parameters))[:16]}"
