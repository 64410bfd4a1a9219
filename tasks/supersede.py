"""Superseded requests: the newer run ends them; a run that learns it of its own request ends itself."""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from azora.config.settings import settings
from azora.core.cluster.record import Replacement
from azora.operations import approval_requests
from azora.operations.superseding import end_own, replacement, take
from tasks.context import cluster_of, this_run
from tasks.retries import if_transient


class Superseded(Exception):
    """The request of this run gave way to *newer*; the run ends."""

    def __init__(self, newer: Replacement) -> None:
        super().__init__(newer.run)
        self.newer = newer


@task(
    task_run_name="{environment}: supersede older requests",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def supersede_older(environment: str) -> Replacement | None:
    """End the runs that wait here and began before this one; returns what replaces this run's own request."""
    return approval_requests.supersede(cluster_of(environment), settings(), run=this_run())


@task(
    task_run_name="{environment}: close request",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def take_request(environment: str, key: str) -> Replacement | None:
    """Nobody waits any more; returns what had replaced this run's request *key*."""
    return take(cluster_of(environment), key, this_run())


@task(
    task_run_name="{environment}: look for newer requests",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def replaced_by(environment: str, key: str) -> Replacement | None:
    """Return what replaced this run's request *key*, which waits on otherwise."""
    return replacement(cluster_of(environment), key, this_run())


@task(
    task_run_name="{environment}: end superseded request",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def end_superseded(environment: str) -> None:
    """Tell people and the record that the request of this run gave way."""
    for trouble in end_own(cluster_of(environment), this_run(), settings()):
        get_run_logger().warning(trouble)


@task(
    task_run_name="{environment}: remove superseded request",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def remove_request(environment: str) -> None:
    """Remove the request of this run, once all of its end is recorded."""
    cluster_of(environment).record.remove_question(this_run())


def stop_if_superseded(environment: str, newer: Replacement | None) -> None:
    """Raise Superseded where this run's request gave way to a *newer* one."""
    if newer:
        end_superseded(environment)
        remove_request(environment)
        raise Superseded(newer)
