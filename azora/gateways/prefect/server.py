"""Prefect's server: its version, its clock, its workers, the deployments it knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    WorkPoolFilter,
    WorkPoolFilterName,
    WorkQueueFilter,
    WorkQueueFilterName,
)
from prefect.client.schemas.objects import WorkerStatus, WorkQueueStatus
from prefect.exceptions import ObjectNotFound

from azora.core.prefect_names import queue_of
from azora.core.registered import Registered
from azora.gateways.prefect.client import connected, own_deployments
from azora.gateways.prefect.paging import every


@dataclass(frozen=True)
class ServerSeen:
    """Prefect server: version, clock, workers, workers of our queue, deployments of ours or of our queue."""

    version: str
    at: datetime | None
    workers: frozenset[str]
    is_served: bool
    deployments: list[Registered]


def server_seen(pool: str, *, application: str) -> ServerSeen:
    """The server as it is now; *pool* is whose workers are looked for."""
    with connected("check Prefect") as client:
        said = client.hello().headers.get("Date")
        try:
            workers = list(every(client.read_workers_for_work_pool, work_pool_name=pool))
            queue = client.read_work_queue_by_name(queue_of(application), pool)
        except ObjectNotFound:
            workers, queue = [], None
        return ServerSeen(
            version=client.api_version(),
            at=parsedate_to_datetime(said) if said else None,
            workers=frozenset(one.name for one in workers if one.status is WorkerStatus.ONLINE),
            is_served=queue is not None and queue.status is WorkQueueStatus.READY,
            deployments=_deployments(client, application, pool),
        )


def _deployments(client: SyncPrefectClient, application: str, pool: str) -> list[Registered]:
    """Deployments with the application's tag, and those whose runs its workers start."""
    queue = WorkQueueFilter(name=WorkQueueFilterName(any_=[queue_of(application)]))
    in_pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[pool]))
    on_queue = every(client.read_deployments, work_queue_filter=queue, work_pool_filter=in_pool)
    found = {one.id: one for one in (*own_deployments(client, application), *on_queue)}
    return [
        Registered(
            one.name,
            one.entrypoint,
            one.pull_steps or [],
            one.job_variables or {},
            one.work_pool_name,
            one.work_queue_name,
        )
        for one in found.values()
    ]
