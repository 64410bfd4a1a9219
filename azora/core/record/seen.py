"""Acts of people that the cluster shows and the record lacks: freezes, overrides, a changed file.

People with the right to override may not write the record. Whoever looks next and may write it adds their acts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from azora.core.cluster.freeze import Act
from azora.core.cluster.overrides import Override
from azora.core.cluster.state import World
from azora.core.record.entry import Entry
from azora.core.record.events import Event, Frozen, Overridden, PolicyChanged, Requested

CLOCKS_DIFFER = timedelta(days=2)  # of people's machines and the pipeline's
FILE = "the environment's file"


@dataclass(frozen=True)
class News:
    """An act, for the record: *at* None is now."""

    event: Event
    who: str
    why: str = ""
    at: datetime | None = None


def news(world: World, policy: str, entries: Sequence[Entry], *, who: str) -> list[News]:
    """Acts that *world* shows and *entries* lack: all of the record, or those of its last object.

    An act long before the first of *entries* is in an earlier object: each promotion and each night looks. *policy* is the digest of the
    environment's file, *who* found out that it changed.
    """
    known = [entry.event for entry in entries]
    began = entries[0].at - CLOCKS_DIFFER if entries and entries[0].number > 1 else None
    found = (one for one in _all(world, policy, entries, who) if one.event not in known)
    return [one for one in found if not (began and one.at and one.at < began)]


def _all(world: World, policy: str, entries: Sequence[Entry], who: str) -> Iterator[News]:
    yield from (_of_act(act) for act in world.freezes.acts)
    ended = max((one.number for one in world.switches if one.kind == "promotion" and one.approval), default=0)
    yield from (_of_override(one, ended) for one in world.overrides)
    before = next((found for entry in reversed(entries) if (found := _policy(entry.event))), policy)
    if before != policy:
        yield News(PolicyChanged(what=FILE, before=before, after=policy), who)


def _of_act(act: Act) -> News:
    if act.kind == "exception":
        event: Event = Overridden(rule="freeze", where=act.subject, reason=act.reason, given_at=act.at)
    else:
        event = Frozen(until=act.until, given_at=act.at)
    return News(event, act.by, act.reason, act.at)


def _of_override(one: Override, after: int) -> News:
    event = Overridden(release=one.release, where=one.where, reason=one.reason, after=after)
    return News(event, one.by, one.reason)


def _policy(event: Event) -> str:
    """Digest of the environment's file that *event* names; empty where it names none."""
    match event:
        case PolicyChanged(what=what, after=after) if what == FILE:
            return after
        case Requested(bound=bound):
            return str(bound.get("policy", ""))
    return ""
