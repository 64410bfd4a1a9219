"""Prefect as seen from outside of a run: start runs, watch them, answer the ones that wait, remember the ones that are over.

Runs and deployments of other applications on the same server are not seen: the server filters by the application's tag.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from operator import itemgetter
from threading import Lock
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterType,
    DeploymentFilter,
    DeploymentFilterName,
    DeploymentFilterTags,
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
from prefect.client.schemas.objects import FlowRun, StateType, TaskRun, WorkerStatus, WorkQueueStatus
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import ArtifactSort, FlowRunSort, TaskRunSort
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, PREFECT_UI_URL

from azora.config.settings import settings
from azora.core.messages.nightly import Labels
from azora.core.messages.notifications import Night
from azora.core.messages.run_summary import Page
from azora.core.prefect_names import name_of, queue_of, tag_of
from azora.errors import AzoraError, BadInput, Refused, TransientError, Unreachable
from azora.gateways.prefect.paging import every

_PREFIX = re.compile(
    r"^(Flow|Task) run encountered an exception: \w+: "
)  # what Prefect puts before an error's own text
SETTLES_WITHIN_SECONDS = 6
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
OVER = [StateType(kind) for kind in sorted(FINAL)]
NOT_OVER = [kind for kind in StateType if kind.value not in FINAL]
LISTED = 10
COMMIT_LABEL = "azora.dev/commit"
NIGHTS = 60
STEP_TRIES, STEP_SECONDS = 20, 0.5  # Prefect's server writes down what a task came to a moment after the run is over

_ONE_AT_A_TIME = Lock()
_OPEN: dict[tuple[object, object], SyncPrefectClient] = {}


@dataclass(frozen=True)
class Run:
    """A flow run as far as the command line shows it."""

    id: str
    name: str
    state: str
    kind: str
    message: str
    url: str

    @property
    def waits(self) -> bool:
        return self.kind == "PAUSED"

    @property
    def is_over(self) -> bool:
        return self.kind in FINAL

    @property
    def went_well(self) -> bool:
        return self.kind == "COMPLETED" and self.state != "Rejected"


@dataclass(frozen=True)
class Stage:
    """One task of a run. `attempt` is which *Retry* of the run it belongs to; a resume is no new one."""

    id: str
    attempt: int
    name: str
    state: str
    seconds: float


@dataclass(frozen=True)
class ServerSeen:
    """The server itself: its version, its clock, who works for it, whether for our work queue, and what of ours it can start."""

    version: str
    at: datetime | None
    workers: frozenset[str]
    is_served: bool
    deployments: frozenset[str]


def server_seen(pool: str) -> ServerSeen:
    """The server as it is now; *pool* is whose workers are looked for."""
    with connected("look at Prefect") as client:
        said = client.hello().headers.get("Date")
        try:
            workers = list(every(client.read_workers_for_work_pool, work_pool_name=pool))
            queue = client.read_work_queue_by_name(queue_of(settings().application), pool)
        except ObjectNotFound:
            workers, queue = [], None
        return ServerSeen(
            version=client.api_version(),
            at=parsedate_to_datetime(said) if said else None,
            workers=frozenset(one.name for one in workers if one.status is WorkerStatus.ONLINE),
            is_served=queue is not None and queue.status is WorkQueueStatus.READY,
            deployments=frozenset(one.name for one in own_deployments(client)),
        )


def start(flow: str, parameters: dict[str, Any]) -> Run:
    """Start a run of the application's deployment of *flow* (`release`, `deploy-staging`), as the UI would."""
    name = name_of(settings().application, flow)
    with connected(f"start {name!r}") as client:
        found = next(own_deployments(client, DeploymentFilterName(any_=[name])), None)
        if found is None:
            raise BadInput(
                f"could not start {name!r}: Prefect has no such deployment of application {settings().application!r}",
                advice="register it with `azora register` (`azora local up` does)",
            )
        return _run(client.create_flow_run_from_deployment(found.id, parameters=parameters))


def run_called(id_: str) -> Run:
    """The application's run with this id, with an id that begins so, or with this name.

    One that is not over goes before those that are; of several with one name the newest.
    """
    return _run(_found(id_))


def waiting() -> list[Run]:
    """Runs that wait for a person; the one that began to wait first comes first."""
    with connected("list the waiting runs") as client:
        began = [(run.state.timestamp, run) for run in own_runs(client, [StateType.PAUSED]) if run.state]
    return [_run(run) for _, run in sorted(began, key=itemgetter(0))]


def own_runs(client: SyncPrefectClient, kinds: Sequence[StateType]) -> Iterator[FlowRun]:
    """The application's runs in these states, newest first."""
    which = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[tag_of(settings().application)]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(kinds))),
    )
    newest_first = FlowRunSort.EXPECTED_START_TIME_DESC
    return every(client.read_flow_runs, flow_run_filter=which, sort=newest_first)


def own_deployments(
    client: SyncPrefectClient, name: DeploymentFilterName | None = None
) -> Iterator[DeploymentResponse]:
    """The application's deployments."""
    tags = DeploymentFilterTags(all_=[tag_of(settings().application)])
    return every(client.read_deployments, deployment_filter=DeploymentFilter(name=name, tags=tags))


def stages(id_: str) -> list[Stage]:
    """Each task of the run, in the order they began."""
    return [
        Stage(str(run.id), run.flow_run_run_count, run.name, run.state_name or "", run.total_run_time.total_seconds())
        for run in _task_runs(id_)
    ]


def pages(id_: str) -> list[Page]:
    """What the run left for people to read, oldest first."""
    of_the_run = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(id_)]), type=ArtifactFilterType(any_=["markdown"])
    )
    with connected(f"read the pages of {id_}") as client:
        found = list(every(client.read_artifacts, artifact_filter=of_the_run, sort=ArtifactSort.CREATED_DESC))
    return [Page(one.key or "", str(one.data)) for one in reversed(found)]


def finished_stages(id_: str, *, killed: bool = False) -> list[tuple[str, float]]:
    """Name and seconds of each task of the run's last attempt that did its work; what was kept from before is not one.

    What a *killed* run was at is not waited for: nobody ends it, and Prefect may lose a "Retry" of a person meanwhile.
    """
    found = _settled(id_, killed=killed)
    last = max((run.flow_run_run_count for run in found), default=0)
    done = [run for run in found if run.flow_run_run_count == last and run.state_name == "Completed"]
    return [(run.name, run.total_run_time.total_seconds()) for run in done]


def _settled(id_: str, *, killed: bool) -> list[TaskRun]:
    """The run's tasks. The server hears of a task's end by an event, so by some of them after the run's own end."""
    before: list[str | None] = []
    for _ in range(SETTLES_WITHIN_SECONDS):
        found = _task_runs(id_)
        now = [run.state_name for run in found]
        if now == before and (killed or all(run.state and run.state.is_final() for run in found)):
            break
        before = now
        time.sleep(1)
    return found


def _task_runs(id_: str) -> list[TaskRun]:
    """In the order they began."""
    of_the_run = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(id_)]))
    with connected(f"read the stages of {id_}") as client:
        in_order = TaskRunSort.EXPECTED_START_TIME_ASC
        return list(every(client.read_task_runs, flow_run_filter=of_the_run, sort=in_order))


def answer(id_: str, *, decision: str, approver: str, reason: str, plan: str) -> None:
    """Answer a waiting run; *plan* is the whole hash of the plan that the answer is to.

    Raises:
        Refused: the run does not wait (any more), or the form refuses the answer; it keeps waiting.
    """
    run = _paused(id_)
    given = {"decision": decision, "approver": approver, "reason": reason, "plan": plan}
    with connected(f"answer run {run.name}") as client:
        result = client.resume_flow_run(run.id, run_input=given)
    if str(result.status.value) != "ACCEPT":
        why = getattr(result.details, "reason", None) or result.status.value
        raise Refused(
            f"could not answer run {run.name!r}: {why}", advice="it waits on; correct the answer, or look at its page"
        )


def page_of(id_: str) -> str:
    """The address of a run's page."""
    return f"{PREFECT_UI_URL.value()}/v2/runs/flow-run/{id_}"


def label(id_: str, labels: Labels) -> None:
    """Add *labels* to those that the run has."""
    with connected(f"label run {id_!r}") as client:
        client.update_flow_run_labels(UUID(id_), dict(labels))


def nights_until(id_: str) -> list[Night]:
    """The run and those of its flow before it, newest first, at most `NIGHTS`; runs that were cancelled are left out."""
    with connected(f"read the nights before {id_!r}") as client:
        this = client.read_flow_run(UUID(id_))
        runs = [this, *(run for run in _ended_runs(client, this) if run.id != this.id)]
        steps = _failed_steps(client, [run for run in runs if not _went_well(run)])
        for _ in range(STEP_TRIES):
            if _went_well(this) or steps[this.id]:
                break
            time.sleep(STEP_SECONDS)
            steps |= _failed_steps(client, [this])
    return [_night(run, steps.get(run.id, ())) for run in runs]


def _ended_runs(client: SyncPrefectClient, this: FlowRun) -> list[FlowRun]:
    kinds = [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED]
    ended = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[tag_of(settings().application)]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=kinds)),
        expected_start_time=FlowRunFilterExpectedStartTime(before_=this.expected_start_time),
    )
    of_the_flow = FlowFilter(id=FlowFilterId(any_=[this.flow_id]))
    newest_first = FlowRunSort.EXPECTED_START_TIME_DESC
    return client.read_flow_runs(flow_filter=of_the_flow, flow_run_filter=ended, sort=newest_first, limit=NIGHTS)


def _failed_steps(client: SyncPrefectClient, runs: list[FlowRun]) -> dict[UUID, tuple[str, ...]]:
    """Names of the tasks that failed, by run; where it was killed, of those that it was at: nobody ended them."""
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
    seen = _run(run)
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


def _paused(id_: str) -> FlowRun:
    run = _found(id_)
    if run.state is None or not run.state.is_paused():
        state = run.state.name if run.state else "nothing"
        raise Refused(
            f"could not answer run {run.name!r}: it waits for nobody, it is {state}", advice="see `azora status`"
        )
    return run


def _found(id_: str) -> FlowRun:
    with connected(f"find run {id_!r}") as client:
        if run := _with_id(client, id_):
            return run
        matches = _matches(client, NOT_OVER, id_) or _matches(client, OVER, id_)
    newest = matches[0] if matches else None
    if newest and (len(matches) == 1 or (newest.name == id_ and not _is_over(newest))):
        return newest
    raise BadInput(
        f"could not find run {id_!r} of application {settings().application!r}: {_listed(matches)}",
        advice="give its id, or the beginning of it; `azora status` lists the waiting ones",
    )


def _with_id(client: SyncPrefectClient, id_: str) -> FlowRun | None:
    """The application's run with this very id."""
    try:
        run = client.read_flow_run(UUID(id_))
    except (ValueError, ObjectNotFound):
        return None
    return run if tag_of(settings().application) in run.tags else None


def _matches(client: SyncPrefectClient, kinds: Sequence[StateType], id_: str) -> list[FlowRun]:
    """By the beginning of the id or by the whole name, newest first: Prefect's API has no filter for the former."""
    begins = id_.lower()
    return [run for run in own_runs(client, kinds) if str(run.id).startswith(begins) or run.name == id_]


def _listed(matches: Sequence[FlowRun]) -> str:
    if not matches:
        return "there is none"
    lines = [f"{run.id} {run.name} ({run.state_name})" for run in matches[:LISTED]]
    return f"{len(matches)} runs match: {', '.join(lines)}{', …' if len(matches) > LISTED else ''}"


def _is_over(run: FlowRun) -> bool:
    return run.state_type in OVER


def _run(run: FlowRun) -> Run:
    state = run.state
    return Run(
        id=str(run.id),
        name=run.name,
        state=state.name or "" if state else "",
        kind=state.type.value if state else "",
        message=_PREFIX.sub("", state.message or "") if state else "",
        url=page_of(str(run.id)),
    )


@contextmanager
def connected(what: str) -> Iterator[SyncPrefectClient]:
    """Prefect's client, its connection errors made ours."""
    if not PREFECT_API_URL.value():
        raise Unreachable(
            f"could not {what}: no Prefect server is named",
            advice="set PREFECT_API_URL; `azora status`, `switch` and `rollback` work without one",
        )
    try:
        yield _client()
    except httpx.TransportError as error:
        raise Unreachable(
            f"could not {what}: Prefect does not answer at {PREFECT_API_URL.value()}",
            advice="start it (`azora local up`) or set PREFECT_API_URL; `azora rollback` works without it",
        ) from error
    except httpx.HTTPStatusError as error:
        raise _refusal(what, error.response) from error
    except UnicodeEncodeError as error:
        odd = error.object[error.start : error.end]
        raise BadInput(f"could not {what}: {odd!a} in it is no UTF-8", advice="type it anew, in UTF-8") from error


def _client() -> SyncPrefectClient:
    """The process's own, for what Prefect's settings name now: making one takes ten times what asking with it takes."""
    named = (PREFECT_API_URL.value(), PREFECT_API_AUTH_STRING.value())
    with _ONE_AT_A_TIME:
        if named not in _OPEN:
            for client in _OPEN.values():
                client.__exit__(None, None, None)
            _OPEN.clear()
            _OPEN[named] = get_client(sync_client=True).__enter__()
        return _OPEN[named]


def _refusal(what: str, response: httpx.Response) -> AzoraError:
    if response.status_code in {401, 403}:
        given = (
            "refuses what PREFECT_API_AUTH_STRING says" if PREFECT_API_AUTH_STRING.value() else "wants an auth string"
        )
        return Refused(
            f"could not {what}: Prefect at {PREFECT_API_URL.value()} {given}",
            advice="set PREFECT_API_AUTH_STRING to its user:password: what the server has as PREFECT_SERVER_API_AUTH_STRING, "
            "on the embedded node what `azora local password` prints",
        )
    said = f"could not {what}: Prefect answered {response.status_code}: {' '.join(response.text.split())[:200]}"
    if response.status_code >= 500:  # noqa: PLR2004 - HTTP
        return TransientError(said, advice="try again; the log of prefect-server says more (`azora local logs`)")
    return BadInput(said, advice="correct the input; where it is right, check PREFECT_API_URL")
