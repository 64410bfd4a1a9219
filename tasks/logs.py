"""The lines of a run and of its tasks, in the pipeline's log.

By a handler that is added when a run begins: a logging.yml of our own would replace all of Prefect's, and have to follow it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.handlers import APILogHandler

from azora.config.environment import environments
from azora.config.settings import settings
from azora.core.cluster.run_counts import by_environment
from azora.core.release.release import Release
from azora.errors import storable
from azora.host.log_file import LogFile, about, log_file

RECORD = "azora.record"  # warnings of an act that is not in an environment's record
LOGGERS = ("prefect.flow_runs", "prefect.task_runs", RECORD)


def keep_log(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - Prefect's signature
    """Hook for the start of a run: the pipeline's log gets the log lines of the run and its tasks too."""
    for name in LOGGERS:
        logging.getLogger(name).addHandler(_handler())
        logging.getLogger(name).addFilter(_STORABLE)
    logging.getLogger(RECORD).addHandler(_page())


class Storable(logging.Filter):
    """Clean a line before any handler has it.

    Prefect keeps answering 503 to a batch of lines with a NUL in one.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = storable(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = storable(logging.Formatter().formatException(record.exc_info))
        return True


_STORABLE = Storable()  # added to a logger once, however often


@cache
def _handler() -> logging.Handler:
    """One for a process, however many runs begin in it."""
    handler = LogFile(log_file(settings()))
    handler.addFilter(OfARun())
    return handler


@cache
def _page() -> logging.Handler:
    """Handler of the run's page, for loggers that are not Prefect's own."""
    return APILogHandler()


class OfARun(logging.Filter):
    """Adds to each line which run and task says it, and which environment, release and color it is about.

    Those are what the task was given, or what the line itself says. Once a run has a release, all its lines name it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._releases: dict[str, str] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.__dict__
        run, task, given = str(said.get("flow_run_id") or ""), str(said.get("task_run_name") or ""), _parameters()
        release = given.get("release")
        known = about(
            environment=_environment(task, str(given.get("environment", ""))),
            release=release.label if isinstance(release, Release) else self._releases.get(run, ""),
            color=given.get("color"),
            run=run,
            run_name=said.get("flow_run_name"),
            flow=said.get("flow_name"),
            task=task,
        )
        said.update(known | {name: said[name] for name in known if name in said})
        if "service.version" in said:
            self._releases[run] = said["service.version"]
        return True


def _parameters() -> Mapping[str, Any]:
    """Parameters of the task that logs, or else of the flow."""
    context = TaskRunContext.get() or FlowRunContext.get()
    return context.parameters or {} if context else {}


def _environment(task: str, given: str) -> str:
    """The one that the task's name begins with, or else *given*."""
    (name,) = by_environment([(task, 0)], _known_environments(), given)
    return name


@cache
def _known_environments() -> list[str]:
    """Looked up once for a process, not for each of its lines."""
    return environments(settings().environments)
