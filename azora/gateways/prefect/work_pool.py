"""Work pool of type process with one fixed command, whatever a run or a deployment asks for.

https://docs.prefect.io/v3/concepts/work-pools#base-job-template
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName
from prefect.client.schemas.objects import WorkPool
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from azora.core.prefect_names import POOL, is_older_command, tag_of
from azora.core.registered import Pool
from azora.errors import Refused
from azora.gateways.prefect.client import connected
from azora.gateways.prefect.paging import every

TYPE = "process"

# In a session of its own, by the Python of the worker, which is the shell's parent: several checkouts share the pool.
COMMAND = """sh -c 'exec setsid "$(tr "\\0" "\\n" </proc/$PPID/cmdline | head -n 1)" -m prefect.engine'"""

# No `env` here: Prefect would merge the job variable `env` into it, whatever the schema allows.
TEMPLATE: Final[dict[str, Any]] = {
    "job_configuration": {"command": COMMAND},
    "variables": {"type": "object", "properties": {}, "additionalProperties": False},
}


def close_pool(application: str) -> Iterator[str]:
    """Create the pool, or change an existing one so that it accepts no job variables. Safe to repeat.

    Raises:
        Refused: a pool of that name is somebody else's.
    """
    with connected(f"set up the work pool {POOL!r}") as client:
        try:
            client.create_work_pool(WorkPoolCreate(name=POOL, type=TYPE, base_job_template=TEMPLATE))
        except ObjectAlreadyExists:
            yield from _close(client, client.read_work_pool(POOL), application)
        else:
            yield f"created the work pool {POOL}"


def pool_seen() -> Pool:
    """State of the work pool on the server."""
    with connected(f"read the work pool {POOL!r}") as client:
        try:
            return _state(client.read_work_pool(POOL))
        except ObjectNotFound:
            return Pool.MISSING


def _state(pool: WorkPool) -> Pool:
    if pool.type != TYPE:
        return Pool.FOREIGN
    return Pool.CLOSED if pool.base_job_template == TEMPLATE else Pool.OPEN


def _close(client: SyncPrefectClient, pool: WorkPool, application: str) -> Iterator[str]:
    state = _state(pool)
    if state is Pool.FOREIGN:
        raise Refused(
            f"could not use the work pool {POOL!r}: its type is {pool.type!r}, not {TYPE!r}; it is unchanged",
            advice=f"move what uses it to a pool of another name, delete {POOL!r}, then run `azora register` again",
        )
    if state is Pool.CLOSED:
        yield f"work pool {POOL} accepts no job variables already"
        return
    others = _others(client, application)
    if foreign := [one.name for one in others if not is_older_command(one.job_variables or {})]:
        raise Refused(
            f"could not close the work pool {POOL!r} to job variables: these deployments have some: {', '.join(foreign)}",
            advice="remove their job variables, or move them to a pool of another name; then run `azora register` again",
        )
    client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=TEMPLATE))
    yield f"work pool {POOL} accepts no job variables from now on"
    if others:
        names = ", ".join(one.name for one in others)
        yield f"deployments of older versions start no new run until their application is updated: {names}"


def _others(client: SyncPrefectClient, application: str) -> list[DeploymentResponse]:
    """Deployments of the pool with job variables that are not of *application*."""
    in_pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
    found = every(client.read_deployments, work_pool_filter=in_pool)
    return sorted(
        (one for one in found if one.job_variables and tag_of(application) not in one.tags), key=lambda one: one.name
    )
