"""Deployments and work pool in Prefect, compared with those that this checkout registers.

Whoever holds Prefect's password may change both, and what they name runs as the worker's user.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import yaml

from azora.core.prefect_names import APPLICATION, POOL, PULL_STEP, queue_of


class Pool(StrEnum):
    """State of the work pool: only `CLOSED` starts each run by the pool's own command."""

    MISSING = "missing"
    CLOSED = "closed"
    OPEN = "open"
    FOREIGN = "of another type"


@dataclass(frozen=True)
class Registered:
    """Name of a deployment, and all of it that decides which code its runs are."""

    name: str
    entrypoint: str | None
    pull_steps: list[dict[str, Any]] = field(default_factory=list)
    job_variables: dict[str, Any] = field(default_factory=dict)
    pool: str | None = POOL
    queue: str | None = None


def registered_by(prefect_yaml: str, application: str, checkout: str) -> list[Registered]:
    """Deployments that *prefect_yaml* registers for *application*."""
    steps = [{PULL_STEP: {"directory": checkout}}]
    return [
        Registered(
            str(one["name"]).replace(APPLICATION, application),
            str(one["entrypoint"]),
            steps,
            queue=queue_of(application),
        )
        for one in yaml.safe_load(prefect_yaml)["deployments"]
    ]


def unlike(known: Collection[Registered], wanted: Collection[Registered]) -> list[str]:
    """Deployments of *known* that differ from *wanted*, each with its differences.

    Prefect's names are unique for each flow only: of two with one name, each is compared.
    """
    return [
        f"{one.name} ({', '.join(differing)})"
        for one in known
        for same in wanted
        if one.name == same.name and (differing := _differing(one, same))
    ]


def unknown(known: Collection[Registered], wanted: Collection[Registered]) -> list[str]:
    """Deployments that a worker of the application serves, and that are not *wanted*."""
    queues, names = {one.queue for one in wanted}, {one.name for one in wanted}
    return sorted({one.name for one in known if one.queue in queues and one.name not in names})


def _differing(known: Registered, wanted: Registered) -> list[str]:
    return [name.replace("_", " ") for name, value in vars(wanted).items() if vars(known)[name] != value]
