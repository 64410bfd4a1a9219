"""Finished runs of the application: their numbers for a page, and their removal when old."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import TaskRunSort
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH

from azora.core.messages.nightly import SHOWN, Figures, Span, figures
from azora.core.prefect_names import tag_of
from azora.core.retention import Item, Unfinished
from azora.errors import PAGE_LETTERS, Refused, storable
from azora.gateways.prefect.client import OVER, STEP_SECONDS, STEP_TRIES, connected, own_runs
from azora.gateways.prefect.nightly_runs import nights_until
from azora.gateways.prefect.paging import PAGE, every
from azora.gateways.prefect.run_labels import facts_in
from azora.host.writes import System, writing

# What is scheduled has asked for nothing yet.
AT_WORK = [StateType.RUNNING, StateType.PENDING, StateType.PAUSED, StateType.CANCELLING]


def unfinished(*, application: str) -> list[Unfinished]:
    """Runs that began and are not over: at work, waiting for a person, or waiting to be tried again."""
    with connected("list the unfinished runs") as client:
        begun = [run for run in own_runs(client, application, [*AT_WORK, StateType.SCHEDULED]) if _has_begun(run)]
    return [
        Unfinished(str(run.id), run.name, facts.commit, tuple(facts.images.values()))
        for run in begun
        for facts in [facts_in(run.labels)]
    ]


def ended_runs(*, application: str) -> list[Item]:
    """Runs that are over, by their end, each in the group of its flow."""
    with connected("list the finished runs") as client:
        return [_item(run) for run in own_runs(client, application, OVER)]


def over(ids: Collection[str]) -> set[str]:
    """Those of these runs that are over, or not there any more."""
    with connected("check which runs are finished") as client:
        alive = {str(run.id) for run in _called(client, [UUID(id_) for id_ in ids]) if run.state_type not in OVER}
    return set(ids) - alive


def remove_run(id_: str, *, application: str) -> bool:
    """Remove the run with its tasks, its logs and its results; its pages go first, since nothing would
    lead to them after it.

    Raises:
        Refused: it is a run of another application.
    """
    with connected(f"remove run {id_!r}") as client:
        _must_be_ours(client, UUID(id_), application)
        of_the_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(id_)]))
        while pages := client.read_artifacts(artifact_filter=of_the_run, limit=PAGE):
            for page in pages:
                with suppress(ObjectNotFound):
                    client.delete_artifact(page.id)
        with suppress(ObjectNotFound):  # another one was faster
            client.delete_flow_run(UUID(id_))
    results = PREFECT_LOCAL_STORAGE_PATH.value() / id_
    with writing(System.FILES, f"remove {results}"):
        shutil.rmtree(results, ignore_errors=True)  # where the worker's home is ours
    return True


def _must_be_ours(client: SyncPrefectClient, id_: UUID, application: str) -> None:
    """Raise Refused for a run of another application, where it exists at all."""
    if any(tag_of(application) not in run.tags for run in _called(client, [id_])):
        raise Refused(f"could not remove run {str(id_)!r}: it is not a run of {application}")


def nights_in_numbers(id_: str, *, application: str) -> list[Figures]:
    """Nightly run and those before it, newest first, at most `SHOWN`, in three requests."""
    nights = nights_until(id_, application=application)[:SHOWN]
    ids = [UUID(night.run) for night in nights]
    with connected(f"read the figures of the nightly runs before {id_!r}") as client:
        if nights[0].went_well:
            _await_the_end_of_its_tasks(client, ids[0])
        labels = {run.id: run.labels for run in _called(client, ids)}
        spans = _spans(client, ids)
    return [figures(night, spans.get(run, ()), labels.get(run, {})) for night, run in zip(nights, ids, strict=True)]


def leave_page(id_: str, key: str, text: str, description: str) -> None:
    """A page of a run that is over, which can make none itself any more."""
    page = ArtifactCreate(
        key=key, type="markdown", data=storable(text, PAGE_LETTERS), description=description, flow_run_id=UUID(id_)
    )
    with connected(f"write the page {key!r} of run {id_!r}") as client:
        client.create_artifact(page)


def _await_the_end_of_its_tasks(client: SyncPrefectClient, run: UUID) -> None:
    """The server learns of it a moment after the run is over; at most `STEP_TRIES` looks."""
    of_the_run = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
    at_work = TaskRunFilter(state=TaskRunFilterState(type=TaskRunFilterStateType(any_=AT_WORK)))
    for _ in range(STEP_TRIES):
        if not client.read_task_runs(flow_run_filter=of_the_run, task_run_filter=at_work, limit=1):
            return
        time.sleep(STEP_SECONDS)


def _called(client: SyncPrefectClient, ids: list[UUID]) -> list[FlowRun]:
    return list(every(client.read_flow_runs, flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=ids))))


def _spans(client: SyncPrefectClient, ids: list[UUID]) -> dict[UUID, list[Span]]:
    """By run, of the tasks that are over."""
    found: dict[UUID, list[Span]] = {}
    which = FlowRunFilter(id=FlowRunFilterId(any_=ids))
    for task in every(client.read_task_runs, flow_run_filter=which, sort=TaskRunSort.ID_DESC):
        if task.flow_run_id and task.start_time and task.end_time:
            found.setdefault(task.flow_run_id, []).append(Span(task.name, task.start_time, task.end_time))
    return found


def _has_begun(run: FlowRun) -> bool:
    return run.state_type in AT_WORK or run.run_count > 0


def _item(run: FlowRun) -> Item:
    at = run.end_time or run.expected_start_time
    return Item(str(run.id), at and datetime.fromtimestamp(at.timestamp(), UTC), group=str(run.flow_id))
