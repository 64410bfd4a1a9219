"""Prefect's past: the runs that are over, and their removal when they are old. With `orchestrator`, all that imports Prefect."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH

from azora.gateways.orchestrator import COMMIT_LABEL, FINAL, connected
from azora.retention import Item, Unfinished

PAGE = 200  # Prefect's server gives no more at once
MOST = 10_000  # runs that are looked at in one go; the next one finds the others

# What is scheduled has asked for nothing yet.
AT_WORK = [StateType.RUNNING, StateType.PENDING, StateType.PAUSED, StateType.CANCELLING]


def unfinished() -> list[Unfinished]:
    """Runs that began and are not over: at work, waiting for a person, or waiting to be tried again."""
    with connected("list the runs that are not over") as client:
        begun = [run for run in _runs(client, [*AT_WORK, StateType.SCHEDULED]) if _has_begun(run)]
    return [Unfinished(str(run.id), run.name, str(run.labels.get(COMMIT_LABEL, ""))) for run in begun]


def ended_runs() -> list[Item]:
    """Runs that are over, by their end, each in the group of its flow."""
    with connected("list the runs that are over") as client:
        return [_item(run) for run in _runs(client, [StateType(kind) for kind in sorted(FINAL)])]


def remove_run(id_: str) -> bool:
    """Whether the run is gone, with its tasks, its logs and the results that it kept; its pages go first, since nothing would
    lead to them after it.
    """
    with connected(f"remove run {id_!r}") as client:
        of_the_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(id_)]))
        while pages := client.read_artifacts(artifact_filter=of_the_run, limit=PAGE):
            for page in pages:
                with suppress(ObjectNotFound):
                    client.delete_artifact(page.id)
        with suppress(ObjectNotFound):  # another one was faster
            client.delete_flow_run(UUID(id_))
    shutil.rmtree(PREFECT_LOCAL_STORAGE_PATH.value() / id_, ignore_errors=True)  # where the worker's home is ours
    return True


def _runs(client: SyncPrefectClient, kinds: list[StateType]) -> Iterator[FlowRun]:
    """Newest first, page by page."""
    which = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=kinds)))
    for offset in range(0, MOST, PAGE):
        found = client.read_flow_runs(
            flow_run_filter=which, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=PAGE, offset=offset
        )
        yield from found
        if len(found) < PAGE:
            return


def _has_begun(run: FlowRun) -> bool:
    return run.state_type in AT_WORK or run.run_count > 0


def _item(run: FlowRun) -> Item:
    at = run.end_time or run.expected_start_time
    return Item(str(run.id), at and datetime.fromtimestamp(at.timestamp(), UTC), group=str(run.flow_id))
