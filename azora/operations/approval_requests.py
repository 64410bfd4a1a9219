"""Approval requests that nobody can answer: their runs are over, or a newer request replaced them.

No process of ours ran then, so that the record in the cluster still has the request. Whoever sees both, Prefect and the
cluster, takes it out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from azora.config.environment import environments, load_environment
from azora.config.settings import Settings
from azora.core.cluster.record import Question, Replacement
from azora.core.promotion.superseding import superseded
from azora.errors import AzoraError, NotReadyYet
from azora.gateways.kubernetes.cluster import Cluster, connect
from azora.gateways.kubernetes.record_store import RecordStore, questions_of
from azora.gateways.prefect.old_runs import over
from azora.operations.record.answers import close
from azora.operations.superseding import end_request

SUSPENDS_WITHIN_SECONDS = 15  # a run is at work for a moment between its request and its rest

log = logging.getLogger("azora.approvals")


def stale_questions(record: RecordStore) -> list[Question]:
    """Requests in the record whose run is over or gone."""
    asked = questions_of(record.read())
    ended = over([one.run for one in asked]) if asked else set()  # without any, Prefect is not asked
    return [one for one in asked if one.run in ended]


def forget_stale(cluster: Cluster, settings: Settings, *, run: str = "") -> list[Question]:
    """Take the stale requests out of the record; returns them.

    A request that gave way, and whose run nobody ended yet, ends here, except that of *run*, which asks.
    """
    stale = stale_questions(cluster.record)
    for one in stale:
        if not one.replaced:
            close(cluster, one)
    for warning in _end_replaced(cluster, settings, but=run):
        log.warning("%s", warning)
    return stale


def supersede(cluster: Cluster, settings: Settings, *, run: str) -> Replacement | None:
    """End all requests but the newest; returns what replaced that of *run*, where another is newest."""
    if any(one.run != run for one in questions_of(cluster.record.read())):
        forget_stale(cluster, settings, run=run)  # a run that is over replaces none
        cluster.record.replace_questions(partial(superseded, now=datetime.now(UTC)))
        for warning in _end_replaced(cluster, settings, but=run, seconds=SUSPENDS_WITHIN_SECONDS):
            log.warning("%s", warning)
    return next((one.replaced for one in questions_of(cluster.record.read()) if one.run == run), None)


def _end_replaced(cluster: Cluster, settings: Settings, *, but: str, seconds: float = 0) -> list[str]:
    """End the runs of the requests that gave way, *but* the process's own; returns warnings.

    *seconds*: how long to wait for one that is at work. It ends itself, and the next look at the requests takes it out.
    """
    patient = Retrying(
        retry=retry_if_exception_type(NotReadyYet), stop=stop_after_delay(seconds), wait=wait_fixed(0.5), reraise=True
    )
    warnings = []
    for one in questions_of(cluster.record.read()):
        if one.replaced and one.run != but:
            try:
                warnings += patient(end_request, cluster, one, settings)
            except NotReadyYet as error:
                warnings.append(error.message)
    return warnings


def forget_stale_everywhere(settings: Settings, names: Iterable[str] | None = None, *, run: str = "") -> list[str]:
    """Close stale requests in all environments, or in *names*; an error is a line of the result.

    *run* as in `forget_stale`.
    """
    troubles = []
    for name in environments(settings.environments) if names is None else names:
        try:
            forget_stale(connect(load_environment(name, settings.environments), settings), settings, run=run)
        except (AzoraError, ValueError) as error:  # a record that cannot be read
            troubles.append(f"could not remove the stale approval requests of {name}: {error}")
    return troubles
