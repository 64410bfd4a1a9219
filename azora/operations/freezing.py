"""Freeze an environment, lift the freeze, let one release or run through."""

from __future__ import annotations

from datetime import UTC, datetime

from azora.config.environment import Environment
from azora.config.identity import of_person, settings_by_hand
from azora.config.settings import Settings
from azora.core.cluster.freeze import Act
from azora.core.gate.approved import must_be_a_name
from azora.core.messages.notifications import of_news
from azora.errors import AzoraError, BadInput, Refused
from azora.gateways.kubernetes.access_review import user_of
from azora.gateways.kubernetes.cluster import Cluster, connect
from azora.gateways.kubernetes.freeze_store import add_act
from azora.operations.record.seen import add_news


def freeze(environment: Environment, settings: Settings, *, until: datetime, reason: str, by: str) -> str:
    """Freeze *environment*; returns who did it, behind a gate as the cluster names the person.

    Raises:
        BadInput: *until* is over.
        Refused: behind a gate, for anybody without the right to override.
    """
    now = datetime.now(UTC)
    if until <= now:
        raise BadInput(
            f"could not freeze {environment.name} until {until:%Y-%m-%d %H:%M} UTC: this time is over",
            advice="name a later time, such as 2026-12-01T08:00 (UTC) or 2026-12-01T08:00+01:00",
        )
    act = Act(kind="freeze", at=now, until=until, reason=reason)
    return _add(_as_person(environment, settings), act, by)


def unfreeze(environment: Environment, settings: Settings, *, reason: str, by: str, only: str = "") -> str:
    """Lift the freeze, or let the release or run *only* through; returns as `freeze` does.

    Raises:
        BadInput: it is not frozen.
        Refused: as `freeze`.
    """
    cluster, now = _as_person(environment, settings), datetime.now(UTC)
    if cluster.freezes().in_force(now) is None:
        raise BadInput(
            f"could not lift the freeze of {environment.name}: it is not frozen",
            advice=f"`azora status {environment.name}` shows a freeze",
        )
    act = Act(kind="exception" if only else "end", at=now, reason=reason, subject=only)
    return _add(cluster, act, by)


def record_acts(environment: Environment, settings: Settings, *, by: str) -> list[str]:
    """Record and notify the act, as the pipeline where this machine has its account; returns errors.

    What is not recorded here, the next run or night records.
    """
    from azora.gateways.notify.sending import send  # noqa: PLC0415 - slow to import

    cluster = connect(environment, settings)
    try:
        found = add_news(cluster, cluster.look(with_helm=False), who=by)
    except Refused:  # people who freeze have no right to write the record
        return ["the next run or the nightly run writes it into the record and notifies people"]
    except AzoraError as error:
        return [f"the next run records and notifies it; from here that is not possible: {error.message}"]
    notices = [notice for one in found if (notice := of_news(environment.name, one))]
    return [trouble for notice in notices for trouble in send(notice, settings)]


def _as_person(environment: Environment, settings: Settings) -> Cluster:
    """Cluster as the person where the cluster decides who may; else as commands by hand do."""
    if environment.has_a_gate:
        return connect(environment, settings, of_person(environment, settings))
    return connect(environment, settings_by_hand(settings))


def _add(cluster: Cluster, act: Act, by: str) -> str:
    gated = cluster.namespace.environment.has_a_gate
    user = user_of(cluster.namespace.api) if gated else "-".join(by.split())
    must_be_a_name(user)
    try:
        add_act(cluster.namespace, act, user)
    except Refused as error:
        if not gated:
            raise
        raise Refused(
            error.message, advice="people of `approval.override` in the environment's file, and administrators, do this"
        ) from error
    return user
