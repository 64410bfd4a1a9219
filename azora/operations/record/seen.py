"""Acts of people that the cluster shows, written into the record by whoever looks next."""

from __future__ import annotations

from azora.core.cluster.state import World
from azora.core.gate.marks import Gate
from azora.core.promotion.binding import policy_digest
from azora.core.record.entry import readable
from azora.core.record.events import GATE, OFF, PolicyChanged
from azora.core.record.seen import News, news
from azora.core.release.release import digest
from azora.gateways.kubernetes.cluster import Cluster
from azora.operations.record.writing import write


def gate_changed(cluster: Cluster, before: Gate, after: Gate, *, who: str) -> None:
    """Record that an administrator turned the gate on or off, or changed its marks."""
    if (was := _state(before)) != (now := _state(after)):
        write(cluster, PolicyChanged(what=GATE, before=was, after=now), who=who)


def _state(gate: Gate) -> str:
    """`off`, or the digest of its marks."""
    return digest(gate.marks.annotations if gate.marks else {}) if gate.is_on else OFF


def add_news(cluster: Cluster, world: World, *, who: str) -> list[News]:
    """Add freezes, overrides and a changed file of the environment that the record lacks; returns them.

    Raises:
        Refused: this identity may not write the record.
    """
    policy = policy_digest(cluster.namespace.environment)
    newest = readable(cluster.log.newest())
    found = news(world, policy, newest, who=who)
    if found and newest and newest[0].number > 1:
        found = news(world, policy, readable(cluster.log.lines()), who=who)
    for one in found:
        write(cluster, one.event, who=one.who, why=one.why, at=one.at)
    return found
