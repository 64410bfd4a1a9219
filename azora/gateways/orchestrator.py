"""Prefect from the command line: start runs, watch them, answer the ones that wait. The only gateway that imports Prefect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterType,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import ArtifactSort, TaskRunSort
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL

from azora.errors import AzoraError, BadInput, Refused, TransientError, Unreachable
from azora.summary import Page

_PREFIX = re.compile(
    r"^(Flow|Task) run encountered an exception: \w+: "
)  # what Prefect puts before an error's own text
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


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


def start(deployment: str, parameters: dict[str, Any]) -> Run:
    """Start a run of `flow/deployment`, as the UI would."""
    with _client(f"start {deployment!r}") as client:
        try:
            found = client.read_deployment_by_name(deployment)
        except ObjectNotFound as error:
            raise BadInput(
                f"could not start {deployment!r}: Prefect knows no such deployment",
                advice="register them with `prefect deploy --all` from the root of the checkout (`azora local up` does)",
            ) from error
        return _run(client.create_flow_run_from_deployment(found.id, parameters=parameters))


def run_called(id_: str) -> Run:
    """The run with this id, or with an id that begins so."""
    return _run(_found(id_))


def waiting() -> list[Run]:
    """Runs that wait for a person, oldest first."""
    paused = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    with _client("list the waiting runs") as client:
        return [_run(run) for run in client.read_flow_runs(flow_run_filter=paused)]


def stages(id_: str) -> list[tuple[str, str, float]]:
    """Name, state and seconds of each task of the run, in the order they began."""
    of_the_run = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(id_)]))
    with _client(f"read the stages of {id_}") as client:
        found = client.read_task_runs(flow_run_filter=of_the_run, sort=TaskRunSort.EXPECTED_START_TIME_ASC, limit=200)
    return [(run.name, run.state_name or "", run.total_run_time.total_seconds()) for run in found]


def pages(id_: str) -> list[Page]:
    """What the run left for people to read, oldest first."""
    of_the_run = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(id_)]), type=ArtifactFilterType(any_=["markdown"])
    )
    with _client(f"read the pages of {id_}") as client:
        found = client.read_artifacts(artifact_filter=of_the_run, sort=ArtifactSort.CREATED_DESC, limit=200)
    return [Page(one.key or "", str(one.data)) for one in reversed(found)]


def answer(id_: str, *, decision: str, approver: str, reason: str) -> None:
    """Answer a waiting run.

    Raises:
        Refused: the run does not wait (any more), or the form refuses the answer; it keeps waiting.
    """
    run = _paused(id_)
    given = {"decision": decision, "approver": approver, "reason": reason}
    with _client(f"answer run {run.name}") as client:
        result = client.resume_flow_run(run.id, run_input=given)
    if str(result.status.value) != "ACCEPT":
        why = getattr(result.details, "reason", None) or result.status.value
        raise Refused(
            f"could not answer run {run.name!r}: {why}", advice="it waits on; correct the answer, or look at its page"
        )


def page_of(id_: str) -> str:
    """The address of a run's page."""
    return f"{PREFECT_UI_URL.value()}/v2/runs/flow-run/{id_}"


def _paused(id_: str) -> FlowRun:
    run = _found(id_)
    if run.state is None or not run.state.is_paused():
        state = run.state.name if run.state else "nothing"
        raise Refused(
            f"could not answer run {run.name!r}: it waits for nobody, it is {state}", advice="see `azora status`"
        )
    return run


def _found(id_: str) -> FlowRun:
    with _client(f"find run {id_!r}") as client:
        try:
            return client.read_flow_run(UUID(id_))
        except (ValueError, ObjectNotFound):
            matches = [
                run for run in client.read_flow_runs(limit=200) if str(run.id).startswith(id_) or run.name == id_
            ]
    if len(matches) != 1:
        raise BadInput(
            f"could not find run {id_!r}: {'several runs match' if matches else 'there is none'}",
            advice="give its id, or the beginning of it; `azora status` lists the waiting ones",
        )
    return matches[0]


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
def _client(what: str) -> Iterator[SyncPrefectClient]:
    """Prefect's client, its connection errors made ours."""
    if not PREFECT_API_URL.value():
        raise Unreachable(
            f"could not {what}: no Prefect server is named",
            advice="set PREFECT_API_URL; `azora status`, `switch` and `rollback` work without one",
        )
    try:
        with get_client(sync_client=True) as client:
            yield client
    except httpx.TransportError as error:
        raise Unreachable(
            f"could not {what}: Prefect does not answer at {PREFECT_API_URL.value()}",
            advice="start it (`azora local up`) or set PREFECT_API_URL; `azora rollback` works without it",
        ) from error
    except httpx.HTTPStatusError as error:
        raise _refusal(what, error.response) from error


def _refusal(what: str, response: httpx.Response) -> AzoraError:
    said = f"could not {what}: Prefect answered {response.status_code}: {' '.join(response.text.split())[:200]}"
    if response.status_code in {401, 403}:
        return Refused(said, advice="set PREFECT_API_AUTH_STRING to its user:password")
    if response.status_code >= 500:  # noqa: PLR2004 - HTTP
        return TransientError(said, advice="try again; the log of prefect-server says more (`azora local logs`)")
    return BadInput(said, advice="correct the input; where it is right, check PREFECT_API_URL")
