"""Claims of the entries: hashes that a reader can compute again, and entries that others rest on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from azora.core.cluster.record import Switch
from azora.core.record.chain import Broken, broken_link, parsed_head
from azora.core.record.entry import Entry, entry_of, hash_of
from azora.core.record.events import Approved, Begun, Ended, Rejected, Requested, Superseded, Switched, Switching
from azora.core.release.release import digest, shown

CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass
class _Seen:
    """The entries before one."""

    lines: Sequence[str]
    old: frozenset[str] = frozenset()  # approvals from before the record began
    asked: set[tuple[str, str]] = field(default_factory=set)
    replaced: set[tuple[str, str]] = field(default_factory=set)  # plans of runs
    approved: dict[str, Approved] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    used: dict[str, int] = field(default_factory=dict)


def first_fault(lines: Sequence[str], heads: Mapping[str, str]) -> Broken | None:
    """First broken link of *lines*, or else the first entry that claims what does not hold."""
    if broken := broken_link(lines, heads):
        return broken
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(entry_of(line))
        except ValueError:
            return Broken(number, f"entry {number} lacks fields of its kind; update Azora if a newer version wrote it")
    return false_claim(lines, entries)


def false_claim(lines: Sequence[str], entries: Sequence[Entry]) -> Broken | None:
    """First entry that claims what does not hold; for a chain without a broken link."""
    seen = _Seen(lines)
    return next((Broken(entry.number, reason) for entry in entries for reason in _wrong(entry, seen)), None)


def _wrong(entry: Entry, seen: _Seen) -> Iterator[str]:
    match entry.event:
        case Begun() as begun:
            seen.old = frozenset(begun.approvals)
        case Requested() as asked:
            yield from _of_request(entry.number, asked)
            seen.asked.add((asked.release, asked.plan))
            seen.replaced.discard((entry.run, asked.plan))
        case Superseded(plan=plan):
            seen.replaced.add((entry.run, plan))
        case Approved() as approved:
            yield from _of_answer(entry, approved, seen)
            seen.approved[approved.approval] = approved
        case Rejected() as rejected:
            yield from _of_answer(entry, rejected, seen)
        case Switching(switch=switch) | Switched(switch=switch):
            yield from _of_switch(entry.number, switch, seen)
        case Ended() as ended:
            seen.ended.add(ended.approval)
        case _:
            pass


def _of_request(number: int, asked: Requested) -> Iterator[str]:
    if digest(asked.bound) != asked.plan:
        yield f"entry {number} names plan {shown(asked.plan)}, and its contents have the hash {shown(digest(asked.bound))}"
    if digest(asked.contents) != asked.release:
        yield f"entry {number} names release {shown(asked.release)}, and its contents have the hash {shown(digest(asked.contents))}"
    if asked.bound.get("release") != asked.release:
        yield f"entry {number} requests an approval of another release than its plan names"


def _of_answer(entry: Entry, answer: Approved | Rejected, seen: _Seen) -> Iterator[str]:
    what = f"entry {entry.number} is an answer to plan {shown(answer.plan)}"
    if (answer.release, answer.plan) not in seen.asked:
        yield f"{what}, which no entry requests"
    if (entry.run, answer.plan) in seen.replaced:
        yield f"{what}, whose request a newer one had replaced"
    head = parsed_head(answer.saw) if answer.saw else None
    if answer.saw and (
        head is None or not 0 < head.number < entry.number or hash_of(seen.lines[head.number - 1]) != head.hash
    ):
        yield f"{what} by a person who saw another record: no entry before it has the head {answer.saw[:80]!r}"


def _of_switch(number: int, switch: Switch, seen: _Seen) -> Iterator[str]:
    """Only a promotion uses an approval up; another switch goes to what was approved before."""
    id_ = switch.approval
    if id_ is None or id_ in seen.old:
        return
    approved, what = seen.approved.get(id_), f"entry {number} makes switch {switch.number}"
    if approved is None:
        yield f"{what} by the approval {id_!r}, which no entry before it gives"
        return
    if approved.release != switch.release:
        yield f"{what} to release {shown(switch.release)} by an approval of release {shown(approved.release)}"
    if switch.kind != "promotion":
        return
    if switch.at > approved.expires_at + CLOCKS_DIFFER:
        yield f"{what} by an approval that had expired at {approved.expires_at}"
    if id_ in seen.ended and id_ not in seen.used:
        yield f"{what} by an approval that had ended"
    if seen.used.setdefault(id_, switch.number) != switch.number:
        yield f"{what} by an approval that switch {seen.used[id_]} used up"
