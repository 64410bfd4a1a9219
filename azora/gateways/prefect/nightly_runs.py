"""Nightly runs, newest first, with the steps that failed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType, TaskRun
from prefect.client.schemas.sorting import FlowRunSort, TaskRunSort

from azora.core.messages.notifications import Night
from azora.core.prefect_names import tag_of
from azora.gateways.prefect.client import STEP_SECONDS, STEP_TRIES, connected
from azora.gateways.prefect.paging import every
from azora.gateways.prefect.runs import run_of

COMMIT_LABEL = "azora.dev/commit"
NIGHTS = 60


def nights_until(id_: str, *, application: str) -> list[Night]:
    """Nightly run and earlier runs of its flow, newest first, at most `NIGHTS`, without cancelled ones."""
    with connected(f"read the nightly runs before {id_!r}") as client:
        this = client.read_flow_run(UUID(id_))
        runs = [this, *(run for run in _ended_runs(client, this, application) if run.id != this.id)]
        steps = _failed_steps(client, [run for run in runs if not _went_well(run)])
        for _ in range(STEP_TRIES):
            if _went_well(this) or steps[this.id]:
                break
            time.sleep(STEP_SECONDS)
            steps |= _failed_steps(client, [this])
    return [_night(run, steps.get(run.id, ())) for run in runs]


def _ended_runs(client: SyncPrefectClient, this: FlowRun, application: str) -> list[FlowRun]:
    kinds = [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED]
    ended = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[tag_of(application)]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=kinds)),
        expected_start_time=FlowRunFilterExpectedStartTime(before_=this.expected_start_time),
    )
    of_the_flow = FlowFilter(id=FlowFilterId(any_=[this.flow_id]))
    newest_first = FlowRunSort.EXPECTED_START_TIME_DESC
    return client.read_flow_runs(flow_filter=of_the_flow, flow_run_filter=ended, sort=newest_first, limit=NIGHTS)


def _failed_steps(client: SyncPrefectClient, runs: list[FlowRun]) -> dict[UUID, tuple[str, ...]]:
    """Names of the failed tasks by run; for a killed run, of those that were running."""
    if not runs:
        return {}
    kinds = [StateType.FAILED, StateType.CRASHED, StateType.RUNNING]
    which = {
        "flow_run_filter": FlowRunFilter(id=FlowRunFilterId(any_=[run.id for run in runs])),
        "task_run_filter": TaskRunFilter(state=TaskRunFilterState(type=TaskRunFilterStateType(any_=kinds))),
    }
    found = list(every(client.read_task_runs, sort=TaskRunSort.EXPECTED_START_TIME_DESC, **which))
    return {run.id: _failed_of(run, [task for task in found if task.flow_run_id == run.id]) for run in runs}


def _failed_of(run: FlowRun, tasks: list[TaskRun]) -> tuple[str, ...]:
    ended = {task.name for task in tasks if task.state_type is not StateType.RUNNING}
    at = {task.name for task in tasks} if run.state_type is StateType.CRASHED else set()
    return tuple(sorted(ended or at))


def _night(run: FlowRun, steps: tuple[str, ...]) -> Night:
    seen = run_of(run)
    return Night(
        at=run.expected_start_time or datetime.now(UTC),
        went_well=_went_well(run),
        link=seen.url,
        commit=str(run.labels.get(COMMIT_LABEL, "")),
        steps=steps,
        error=seen.message,
        run=seen.id,
    )


def _went_well(run: FlowRun) -> bool:
    return run.state_type is StateType.COMPLETED
