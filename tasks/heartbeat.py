"""Heartbeat of this process's run.

It stops, with a last event, before the run waits for an approval or ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import copy_context
from threading import Event, Thread
from typing import Any, TypeVar

from prefect import Flow, suspend_flow_run
from prefect.client.schemas.objects import FlowRun, State
from prefect.events import emit_event
from prefect.input import RunInput

from azora.core.heartbeat import EVERY, HEARTBEAT, REST
from azora.host.writes import System, Write, announce, writing

Answer = TypeVar("Answer", bound=RunInput)


class Heart:
    """Sender of one run's events until it rests.

    Its own clock and connection keep their order; none follows `REST`.
    """

    def __init__(self, run: str, tags: Iterable[str]) -> None:
        self._resource = {"prefect.resource.id": f"prefect.flow-run.{run}"}
        self._tags = [
            {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"} for tag in sorted(tags)
        ]
        self._rests = Event()
        self._thread: Thread | None = None

    def beat(self) -> None:
        self._rests.clear()
        self._thread = Thread(target=copy_context().run, args=(self._beat,), daemon=True, name="heartbeat")
        self._thread.start()

    def rest(self) -> None:
        """Nothing is sent from now on."""
        if self._thread:
            self._rests.set()
            self._thread.join()
            self._thread = None
            self._send(REST)

    def _beat(self) -> None:
        while not self._rests.is_set():
            self._send(HEARTBEAT)
            self._rests.wait(EVERY.total_seconds())

    def _send(self, event: str) -> None:
        with writing(System.PREFECT, f"event {event}"):
            emit_event(event=event, resource=self._resource, related=list(self._tags))


_HEARTS: list[Heart] = []  # at most one: a process executes one run


def begin_heartbeat(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - Prefect's signature
    """A hook for the beginning of a run."""
    if flow_run.deployment_id:
        _HEARTS[:] = [Heart(str(flow_run.id), flow_run.tags)]
        _HEARTS[0].beat()


def end_heartbeat(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - Prefect's signature
    """A hook for the end of a run, and for one that is cancelled or crashed, which the worker calls."""
    for heart in _HEARTS:
        heart.rest()


def suspend(*, wait_for_input: type[Answer], key: str, timeout: int) -> Answer:
    """Suspend the run as Prefect does; a run that waits must not be taken for a dead one."""
    for heart in _HEARTS:
        heart.rest()
    write = Write(System.PREFECT, f"suspend with {key}")
    announce("before", write)
    try:
        answer = suspend_flow_run(wait_for_input=wait_for_input, key=key, timeout=timeout)
    finally:
        announce("after", write)  # Prefect ends the process by an exception
    for heart in _HEARTS:
        heart.beat()
    return answer
