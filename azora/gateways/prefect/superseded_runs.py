"""Runs that wait for a person and that another run ends."""

from __future__ import annotations

from uuid import UUID

from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed

from azora.core.prefect_names import tag_of
from azora.errors import NotReadyYet
from azora.gateways.prefect.client import OVER, connected

SUPERSEDED = "Superseded"


def end_superseded(id_: str, message: str, *, key: str, application: str) -> bool:
    """End the run, which waits with the request *key*, as Superseded.

    False where Prefect has deleted it or knows it as another application's: whoever has the password can take its tag
    away, and no newer run may fail for that. When it is woken, the record tells it that it was superseded.
    A run that is over, or that waits with another request by now, stays as it is.

    Raises:
        NotReadyYet: it is at work; it looks whether its request still stands before it acts.
    """
    with connected(f"end run {id_!r}") as client:
        try:
            run = client.read_flow_run(UUID(id_))
        except ObjectNotFound:
            return False
        if tag_of(application) not in run.tags:
            return False
        if run.state_type in OVER or _waits_with_another(run, key):
            return True
        if run.state is None or not run.state.is_paused():
            raise NotReadyYet(f"could not end run {run.name!r}: it is {run.state_name}")
        # Without force Prefect notes that the run was resumed (HandleResumingPausedFlows): a Retry would be no new start of it.
        client.set_flow_run_state(run.id, Completed(name=SUPERSEDED, message=message), force=True)
    return True


def _waits_with_another(run: FlowRun, key: str) -> bool:
    waits_with = run.state.state_details.pause_key if run.state and run.state.is_paused() else None
    return bool(key) and waits_with not in {None, key}
