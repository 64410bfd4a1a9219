"""Retention: what is kept and what is removed, by count, by age, and by what somebody still needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from azora.core.cluster.state import World
from azora.core.release.release import Release, shown

# What must stay, and for whom, by any name that it has: an image's digest or `path:tag`, a commit, a run's id.
Needs = Mapping[str, str]


@dataclass(frozen=True)
class Item:
    """One thing that takes room. `at` is when it was made or last used (None: not known), `size` in bytes.

    Things are counted within their `group`, whose newest one always stays; without a group age alone counts. `known_as` are
    other names that a need may give it.
    """

    name: str
    at: datetime | None
    size: int = 0
    group: str = ""
    known_as: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True)
class Limit:
    """Both hold: no more than `count` of a group (None: any number), and none that is older than `age`."""

    age: timedelta
    count: int | None = None


@dataclass(frozen=True)
class Decision:
    """Decision about one item: kept or removed, and why."""

    item: Item
    goes: bool
    reason: str


@dataclass(frozen=True)
class Unfinished:
    """Unfinished run: waiting or running.

    `commit` is empty until it is found, `images` until the release is fixed.
    """

    id: str
    name: str
    commit: str = ""
    images: tuple[str, ...] = ()


def decisions(
    items: Sequence[Item], limit: Limit, *, now: datetime, floor: timedelta, needs: Needs
) -> tuple[Decision, ...]:
    """Decide about each of *items*, newest first; keep what is needed or younger than *floor*."""
    ordered = sorted(items, key=lambda item: (item.at is None, item.at or now), reverse=True)
    before: Counter[str] = Counter()
    found = []
    for item in ordered:
        found.append(_decision(item, before[item.group], limit, now=now, floor=floor, needs=needs))
        before[item.group] += 1
    return tuple(found)


def _decision(item: Item, newer: int, limit: Limit, *, now: datetime, floor: timedelta, needs: Needs) -> Decision:
    """*newer* is how many of its group are newer."""
    if kept := _spared(item, newer, now=now, floor=floor, needs=needs):
        return Decision(item, False, kept)
    if item.group and limit.count is not None and newer >= limit.count:
        return Decision(item, True, f"more than the newest {limit.count}")
    if item.at and now - item.at > limit.age:
        return Decision(item, True, f"older than {_told(limit.age)}")
    return Decision(item, False, "within the limits")


def _spared(item: Item, newer: int, *, now: datetime, floor: timedelta, needs: Needs) -> str | None:
    """Why no limit applies to it, or None."""
    if why := next((needs[name] for name in (item.name, *sorted(item.known_as)) if name in needs), None):
        return why
    if item.at is None:
        return "its age is unknown"
    if item.group and newer == 0:
        return "the newest"
    return f"younger than {_told(floor)}" if now - item.at < floor else None


def needs_of_environment(name: str, world: World, releases: Iterable[Release], pod_images: Iterable[str]) -> Needs:
    """Needs of environment *name*: what both colors run, and every release that its record remembers."""
    found: dict[str, str] = {}
    for release in releases:
        why = f"{name} can roll back to release {shown(release.id)}"
        found |= dict.fromkeys([*map(_digest, release.images.values()), release.commit], why)
    images = [*pod_images, *(image for stack in world.stacks.values() for image in stack.images)]
    records = [stack.record for stack in world.stacks.values() if stack.record]
    found |= dict.fromkeys([record.commit for record in records if record.commit], f"{name}'s record names it")
    commits = [stack.known.commit for stack in world.stacks.values() if stack.known]
    found |= dict.fromkeys([*map(_digest, images), *filter(None, commits)], f"{name} runs it")
    cases = [record.cases_by for record in records]
    runs = [*(proof.run for proof in world.proofs), *(yes.run for yes in world.approvals), *cases]
    return found | dict.fromkeys(
        [*filter(None, runs), *(one.by for one in world.switches)], f"{name}'s record names it"
    )


def needs_of_run(run: Unfinished, tags: Iterable[str]) -> Needs:
    """Needs of an unfinished run: its reports, its commit and images, as `path:tag` and by digest."""
    fixed = map(_digest, run.images)
    return dict.fromkeys([run.id, *filter(None, [run.commit]), *tags, *fixed], f"run {run.name!r} is not finished")


def bytes_told(count: int) -> str:
    """For people: `3 kB`, `12.5 MB`."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} B"


def _digest(image: str) -> str:
    return image.partition("@")[2] or image


def _told(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours / 24:g} days" if hours > 48 else f"{hours:g} h"  # noqa: PLR2004 - two days are still told in hours
