"""The connection to Prefect's API, and what of it belongs to the application.

Runs and deployments of other applications on the same server are not seen: the server filters by the application's tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL

from azora.core.prefect_names import tag_of
from azora.errors import AzoraError, BadInput, Refused, TransientError, Unreachable
from azora.gateways.prefect.paging import every
from azora.host.writes import System, Write, announce
from azora.redaction import remember_auth_string

FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
OVER = [StateType(kind) for kind in sorted(FINAL)]
NOT_OVER = [kind for kind in StateType if kind.value not in FINAL]
STEP_TRIES, STEP_SECONDS = 20, 0.5  # Prefect's server writes down what a task came to a moment after the run is over

READ_BY_POST = ("/filter", "/count")
_ONE_AT_A_TIME = Lock()
_OPEN: dict[tuple[object, object], SyncPrefectClient] = {}


def own_runs(client: SyncPrefectClient, application: str, kinds: Sequence[StateType]) -> Iterator[FlowRun]:
    """Runs of *application* in these states, newest first."""
    which = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[tag_of(application)]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(kinds))),
    )
    newest_first = FlowRunSort.EXPECTED_START_TIME_DESC
    return every(client.read_flow_runs, flow_run_filter=which, sort=newest_first)


def own_deployments(
    client: SyncPrefectClient, application: str, name: DeploymentFilterName | None = None
) -> Iterator[DeploymentResponse]:
    """Deployments of *application*."""
    tags = DeploymentFilterTags(all_=[tag_of(application)])
    return every(client.read_deployments, deployment_filter=DeploymentFilter(name=name, tags=tags))


@contextmanager
def connected(what: str) -> Iterator[SyncPrefectClient]:
    """Prefect's client, its connection errors made ours."""
    if not PREFECT_API_URL.value():
        raise Unreachable(
            f"could not {what}: no Prefect server is configured",
            advice="set PREFECT_API_URL; `azora approvals`, `status`, `switch` and `rollback` work without one",
        )
    try:
        yield _client()
    except httpx.TransportError as error:
        raise Unreachable(
            f"could not {what}: no response from Prefect at {PREFECT_API_URL.value()}",
            advice="start it (`azora local up`) or set PREFECT_API_URL; `azora rollback` works without it",
        ) from error
    except httpx.HTTPStatusError as error:
        raise _refusal(what, error.response) from error
    except UnicodeEncodeError as error:
        odd = error.object[error.start : error.end]
        raise BadInput(
            f"could not {what}: {odd!a} in it is no UTF-8", advice="enter the text again, in UTF-8"
        ) from error


def _client() -> SyncPrefectClient:
    """Client of this process for Prefect's present settings: a new one costs ten times a request."""
    named = (PREFECT_API_URL.value(), PREFECT_API_AUTH_STRING.value())
    with _ONE_AT_A_TIME:
        if named not in _OPEN:
            for client in _OPEN.values():
                client.__exit__(None, None, None)
            _OPEN.clear()
            remember_auth_string(PREFECT_API_AUTH_STRING.value() or "")
            hooks = {"request": [_before], "response": [_after]}
            _OPEN[named] = get_client(sync_client=True, httpx_settings={"event_hooks": hooks}).__enter__()
        return _OPEN[named]


def _before(request: httpx.Request) -> None:
    if is_write(request):
        announce("before", _write(request))


def _after(response: httpx.Response) -> None:
    if is_write(response.request) and response.is_success:
        announce("after", _write(response.request))


def is_write(request: httpx.Request) -> bool:
    """Report whether *request* changes anything: many of Prefect's lists are read by POST."""
    return request.method != "GET" and not (request.method == "POST" and request.url.path.endswith(READ_BY_POST))


def _write(request: httpx.Request) -> Write:
    return Write(System.PREFECT, f"{request.method} {request.url.path}")


def _refusal(what: str, response: httpx.Response) -> AzoraError:
    if response.status_code in {401, 403}:
        given = "rejected PREFECT_API_AUTH_STRING" if PREFECT_API_AUTH_STRING.value() else "requires an auth string"
        return Refused(
            f"could not {what}: Prefect at {PREFECT_API_URL.value()} {given}",
            advice="set PREFECT_API_AUTH_STRING to its user:password: the server's PREFECT_SERVER_API_AUTH_STRING, "
            "printed by `azora local password` on the embedded node",
        )
    said = f"could not {what}: Prefect responded with {response.status_code}: {' '.join(response.text.split())[:200]}"
    if response.status_code >= 500:  # noqa: PLR2004 - HTTP
        return TransientError(said, advice="retry; see the log of prefect-server (`azora local logs`)")
    return BadInput(said, advice="check the input, then PREFECT_API_URL")
