"""Flow runs of the application: start, find, watch, answer."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterType,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.objects import FlowRun, StateType, TaskRun
from prefect.client.schemas.sorting import ArtifactSort, TaskRunSort
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_UI_URL

from azora.core.messages.run_summary import Page
from azora.core.prefect_names import name_of, tag_of
from azora.errors import BadInput, Refused
from azora.gateways.prefect.client import FINAL, NOT_OVER, OVER, connected, own_deployments, own_runs
from azora.gateways.prefect.paging import every
from azora.gateways.prefect.superseded_runs import SUPERSEDED

_PREFIX = re.compile(
    r"^(Flow|Task) run encountered an exception: \w+: "
)  # what Prefect puts before an error's own text
SETTLES_WITHIN_SECONDS = 6
LISTED = 10


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
        return self.kind == "COMPLETED" and self.state not in {"Rejected", SUPERSEDED}


@dataclass(frozen=True)
class Stage:
    """One task of a run. `attempt` is which *Retry* of the run it belongs to; a resume is no new one."""

    id: str
    attempt: int
    name: str
    state: str
    seconds: float


def start(flow: str, parameters: dict[str, Any], *, application: str) -> Run:
    """Start a run of *application*'s deployment of *flow* (`release`, `deploy-staging`), as the UI would."""
    name = name_of(application, flow)
    with connected(f"start {name!r}") as client:
        found = next(own_deployments(client, application, DeploymentFilterName(any_=[name])), None)
        if found is None:
            raise BadInput(
                f"could not start {name!r}: Prefect has no such deployment of application {application!r}",
                advice="register it with `azora register` (`azora local up` does)",
            )
        return run_of(client.create_flow_run_from_deployment(found.id, parameters=parameters))


def run_called(id_: str, *, application: str) -> Run:
    """The run of *application* with this id, with an id that begins so, or with this name.

    One that is not over goes before those that are; of several with one name the newest.
    """
    return run_of(_found(id_, application))


def waiting(*, application: str) -> list[Run]:
    """Runs that wait for a person; the one that began to wait first comes first."""
    with connected("list the waiting runs") as client:
        began = [(run.state.timestamp, run) for run in own_runs(client, application, [StateType.PAUSED]) if run.state]
    return [run_of(run) for _, run in sorted(began, key=itemgetter(0))]


def stages(id_: str) -> list[Stage]:
    """Each task of the run, in the order they began."""
    return [
        Stage(str(run.id), run.flow_run_run_count, run.name, run.state_name or "", run.total_run_time.total_seconds())
        for run in _task_runs(id_)
    ]


def pages(id_: str) -> list[Page]:
    """Pages that the run left for people, oldest first."""
    of_the_run = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(id_)]), type=ArtifactFilterType(any_=["markdown"])
    )
    with connected(f"read the pages of {id_}") as client:
        found = list(every(client.read_artifacts, artifact_filter=of_the_run, sort=ArtifactSort.CREATED_DESC))
    return [Page(one.key or "", str(one.data)) for one in reversed(found)]


def finished_stages(id_: str, *, killed: bool = False) -> list[tuple[str, float]]:
    """Name and seconds of each task that ran in the run's last attempt, without cached ones.

    What a *killed* run was at is not waited for: nobody ends it, and Prefect may lose a "Retry" of a person meanwhile.
    """
    found = _settled(id_, killed=killed)
    last = max((run.flow_run_run_count for run in found), default=0)
    done = [run for run in found if run.flow_run_run_count == last and run.state_name == "Completed"]
    return [(run.name, run.total_run_time.total_seconds()) for run in done]


def _settled(id_: str, *, killed: bool) -> list[TaskRun]:
    """Tasks of the run; some may end in the server shortly after the run's own end."""
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


def answer(id_: str, *, application: str, decision: str, approver: str, reason: str, plan: str) -> None:
    """Answer a waiting run; *plan* is the whole hash of the plan that the answer is to.

    Raises:
        Refused: the run does not wait (any more), or the form refuses the answer; it keeps waiting.
    """
    run = _paused(id_, application)
    given = {"decision": decision, "approver": approver, "reason": reason, "plan": plan}
    with connected(f"answer run {run.name}") as client:
        result = client.resume_flow_run(run.id, run_input=given)
    if str(result.status.value) != "ACCEPT":
        why = getattr(result.details, "reason", None) or result.status.value
        raise Refused(
            f"could not answer run {run.name!r}: {why}",
            advice="the run still waits; correct the answer, or use the run's page",
        )


def page_of(id_: str) -> str:
    """The address of a run's page."""
    return f"{PREFECT_UI_URL.value()}/v2/runs/flow-run/{id_}"


def _paused(id_: str, application: str) -> FlowRun:
    run = _found(id_, application)
    if run.state is None or not run.state.is_paused():
        state = run.state.name if run.state else "nothing"
        raise Refused(
            f"could not answer run {run.name!r}: it is {state} and waits for no answer", advice="see `azora status`"
        )
    return run


def _found(id_: str, application: str) -> FlowRun:
    with connected(f"find run {id_!r}") as client:
        if run := _with_id(client, id_, application):
            return run
        matches = _matches(client, application, NOT_OVER, id_) or _matches(client, application, OVER, id_)
    newest = matches[0] if matches else None
    if newest and (len(matches) == 1 or (newest.name == id_ and not _is_over(newest))):
        return newest
    raise BadInput(
        f"could not find run {id_!r} of application {application!r}: {_listed(matches)}",
        advice="give the run's id or the first digits of it; `azora status` lists the waiting runs",
    )


def _with_id(client: SyncPrefectClient, id_: str, application: str) -> FlowRun | None:
    """The run of *application* with this very id."""
    try:
        run = client.read_flow_run(UUID(id_))
    except (ValueError, ObjectNotFound):
        return None
    return run if tag_of(application) in run.tags else None


def _matches(client: SyncPrefectClient, application: str, kinds: Sequence[StateType], id_: str) -> list[FlowRun]:
    """Runs by the beginning of the id or the whole name, newest first.

    Prefect's API cannot filter by the beginning of an id.
    """
    begins = id_.lower()
    return [run for run in own_runs(client, application, kinds) if str(run.id).startswith(begins) or run.name == id_]


def _listed(matches: Sequence[FlowRun]) -> str:
    if not matches:
        return "no run matches"
    lines = [f"{run.id} {run.name} ({run.state_name})" for run in matches[:LISTED]]
    return f"{len(matches)} runs match: {', '.join(lines)}{', …' if len(matches) > LISTED else ''}"


def _is_over(run: FlowRun) -> bool:
    return run.state_type in OVER


def run_of(run: FlowRun) -> Run:
    state = run.state
    return Run(
        id=str(run.id),
        name=run.name,
        state=state.name or "" if state else "",
        kind=state.type.value if state else "",
        message=_PREFIX.sub("", state.message or "") if state else "",
        url=page_of(str(run.id)),
    )
