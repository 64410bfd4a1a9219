"""Approval requests that can no longer be answered: their runs were cancelled, ended or deleted.

No process of ours ran then, so that the record in the cluster still has the request. Whoever sees both, Prefect and the
cluster, takes it out.
"""

from __future__ import annotations

from collections.abc import Iterable

from azora.config.environment import environments, load_environment
from azora.config.settings import Settings
from azora.core.cluster.record import Question
from azora.errors import AzoraError
from azora.gateways.kubernetes.cluster import Cluster, connect
from azora.gateways.kubernetes.record_store import RecordStore, questions_of
from azora.gateways.prefect.old_runs import over
from azora.operations.record.answers import close


def stale_questions(record: RecordStore) -> list[Question]:
    """Requests in the record whose run is over or gone."""
    asked = questions_of(record.read())
    ended = over([one.run for one in asked]) if asked else set()  # without any, Prefect is not asked
    return [one for one in asked if one.run in ended]


def forget_stale(cluster: Cluster) -> list[Question]:
    """Take the stale requests out of the record; returns them."""
    stale = stale_questions(cluster.record)
    for one in stale:
        close(cluster, one)
    return stale


def forget_stale_everywhere(settings: Settings, names: Iterable[str] | None = None) -> list[str]:
    """Close stale requests in all environments, or in *names*; an error is a line of the result."""
    troubles = []
    for name in environments(settings.environments) if names is None else names:
        try:
            forget_stale(connect(load_environment(name, settings.environments), settings))
        except (AzoraError, ValueError) as error:  # a record that cannot be read
            troubles.append(f"could not remove the stale approval requests of {name}: {error}")
    return troubles
