"""Acts that belong into an environment's record, each with its entry.

An entry comes before the act that it is about, so that an act without an entry is impossible. Rollbacks are the exception: users
come first, and an entry that cannot be written is a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from uuid import UUID

from azora.core.cluster.record import BY_HAND, Receipt, Switch
from azora.core.cluster.state import World
from azora.core.record.chain import Head
from azora.core.record.entry import note, readable
from azora.core.record.events import Begun, Event, Received, Switched, Switching
from azora.core.record.events import Refused as RefusedEvent
from azora.errors import AzoraError, LeaseLost, Refused
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.events import write_event

USERS_FIRST = ("rollback", "return")

log = logging.getLogger("azora.record")


def write(
    cluster: Cluster, event: Event, *, who: str, run: str = "", why: str = "", at: datetime | None = None
) -> Head:
    """Add *event* to the record of *cluster*; returns the head after it."""
    added = note(event, at=at or datetime.now(UTC), who=who, run=run, why=why)
    return cluster.log.append(added, lambda: _begun(cluster))


def _begun(cluster: Cluster) -> Begun:
    """First entry of a record: what an environment has from before."""
    switches, _ = cluster.marks()
    approvals = {yes.id for yes in cluster.record.approvals()} | {one.approval for one in switches if one.approval}
    return Begun(switch=switches[-1].number if switches else 0, approvals=tuple(sorted(approvals)))


def switch(cluster: Cluster, world: World, entry: Switch, *, why: str = "", began: datetime | None = None) -> None:
    """Make the switch *entry*, with entries before and after it.

    A rollback has none before, and is not undone by an error of the record. *began*: the time when it was started.

    Raises:
        Conflict: the live Service is not the one that was looked at.
    """
    run = _run_of(entry)
    head = None
    if entry.kind not in USERS_FIRST:
        _write_found(cluster, world.switches)
        head = write(cluster, Switching(switch=entry), who=entry.by, run=run, why=why)
    cluster.switch(world, entry, head)
    seconds = (datetime.now(UTC) - began).total_seconds() if began else None
    with _warned(cluster, f"{entry.kind} {entry.number}", entry.by):
        if head is None:
            _write_found(cluster, world.switches)
        head_after = write(cluster, Switched(switch=entry, seconds=seconds), who=entry.by, run=run, why=why)
        if head is None:
            cluster.keep_head(head_after)


def add_found(cluster: Cluster) -> None:
    """Add the switches that the live Service names and the record lacks, where there is a record."""
    switches, _ = cluster.marks()
    _write_found(cluster, switches)


def _write_found(cluster: Cluster, switches: Sequence[Switch]) -> None:
    """Add the switches of the live Service that the record lacks, such as a rollback."""
    known = cluster.log.find(_numbers) or []
    for found in switches:
        if known and found.number > max(known):
            write(cluster, Switched(switch=found, found=True), who=found.by, run=_run_of(found))


def _numbers(lines: Sequence[str]) -> list[int]:
    """Numbers of the switches up to which the record is whole; none where nothing begins it."""
    return [
        event.switch if isinstance(event, Begun) else event.switch.number
        for event in (entry.event for entry in readable(lines))
        if isinstance(event, Begun | Switched)
    ]


@contextmanager
def _warned(cluster: Cluster, what: str, by: str) -> Iterator[None]:
    """Turn an error of the record into a warning: users are where they should be."""
    try:
        yield
    except AzoraError as error:
        name = cluster.namespace.environment.name
        missing = f"{what} of {name} is not in the record: {error.message}; check it with `azora verify {name}`"
        log.warning("%s", missing)
        write_event(cluster.namespace, "NotRecorded", missing, run=by, kind="Warning")


def receipt(cluster: Cluster, found: Receipt, *, run: str) -> None:
    """Write the receipt of a switch, for `status` and into the record."""
    cluster.record.add_receipt(found)
    with _warned(cluster, f"the receipt of switch {found.number}", run):
        write(cluster, Received(receipt=found), who=run, run=run)


@contextmanager
def refusals(cluster: Cluster, what: str, *, who: str, release: str = "", plan: str = "") -> Iterator[None]:
    """Record that the block was refused; a refusal begins no record, and is raised again."""
    try:
        yield
    except LeaseLost:
        raise
    except Refused as error:
        refused(cluster, what, error.message, who=who, release=release, plan=plan)
        raise


def refused(cluster: Cluster, what: str, why: str, *, who: str, release: str = "", plan: str = "") -> None:
    """Record an attempt that was refused, where there is a record; an error costs the entry."""
    with suppress(AzoraError):
        if cluster.log.newest():
            write(cluster, RefusedEvent(what=what, release=release, plan=plan), who=who, run=_run(who), why=why)


def _run_of(entry: Switch) -> str:
    """The run that made *entry*; empty for a person."""
    return _run(entry.by) if entry.kind in BY_HAND else entry.by


def _run(by: str) -> str:
    """*by* where it is a run's id; else empty: a person did it."""
    try:
        return str(UUID(by))
    except ValueError:
        return ""
