"""Resume of a run that waits for people of the cluster: it counts their answers again."""

from __future__ import annotations

import time
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound

from azora.errors import BadInput, Refused
from azora.gateways.prefect.client import OVER, connected
from azora.gateways.prefect.waiting_plan import LOOK_AGAIN

AT_WORK_SECONDS = 90  # a run that another answer woke counts, and waits again


def wake(run: str, plan: str) -> bool:
    """Resume *run*, which waits with *plan*; False where the run is over.

    A run that is at work may have counted before this answer: it is awaited, and woken then.

    Raises:
        BadInput: Prefect has no such run.
        Refused: the run waits with another plan, or does not wait within 90 seconds.
        Unreachable: Prefect is away.
    """
    deadline = time.monotonic() + AT_WORK_SECONDS
    with connected(f"wake run {run[:8]}") as client:
        while True:
            found = _read(client, run)
            if found.state is None or found.state.type in OVER:
                return False
            if found.state.is_paused():
                return _resumed(client, found, plan)
            if time.monotonic() > deadline:
                raise Refused(
                    f"could not wake run {found.name!r}: it is {found.state.name} and does not wait yet",
                    advice="choose Resume on the run's page once it waits",
                )
            time.sleep(1)


def _read(client: SyncPrefectClient, run: str) -> FlowRun:
    try:
        return client.read_flow_run(UUID(run))
    except ObjectNotFound as error:
        raise BadInput(
            f"could not wake run {run[:8]}: Prefect has no such run, somebody deleted it",
            advice="start the release again: a new run requests an approval",
        ) from error


def _resumed(client: SyncPrefectClient, run: FlowRun, plan: str) -> bool:
    result = client.resume_flow_run(run.id, run_input={"decision": LOOK_AGAIN, "plan": plan})
    if str(result.status.value) != "ACCEPT":
        why = getattr(result.details, "reason", None) or result.status.value
        raise Refused(f"could not wake run {run.name!r}: {why}", advice="choose Resume on the run's page")
    return True
