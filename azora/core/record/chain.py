"""The chain: each entry holds the hash of the one before, and heads seen elsewhere hold its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from azora.core.record.entry import NOTHING, hash_of, parsed
from azora.core.release.release import canonical


@dataclass(frozen=True)
class Head:
    """Number and hash of an entry, as `17:9f86d0…`: all entries up to it follow from the hash."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"

    @property
    def short(self) -> str:
        """For people."""
        return f"{self.number}:{self.hash[:12]}"


NO_HEAD = Head(0, NOTHING)


@dataclass(frozen=True)
class Broken:
    """First broken link: the number of its entry, and a sentence."""

    number: int
    reason: str


def head_of(lines: Sequence[str]) -> Head:
    return Head(len(lines), hash_of(lines[-1])) if lines else NO_HEAD


def parsed_head(text: str) -> Head | None:
    """Head that *text* names; None where it is none."""
    number, _, hash_ = text.partition(":")
    is_one = number.isascii() and number.isdigit() and len(hash_) == len(NOTHING)
    return Head(int(number), hash_) if is_one else None


def broken_link(lines: Sequence[str], heads: Mapping[str, str]) -> Broken | None:
    """First link of *lines* that is broken; None when each entry continues the one before.

    *heads* are known from elsewhere, by the name of their source. Without one the end can be cut unseen.
    """
    return next(_broken(lines, heads), None)


def _broken(lines: Sequence[str], heads: Mapping[str, str]) -> Iterator[Broken]:
    before = NOTHING
    for number, line in enumerate(lines, start=1):
        if reason := _wrong(number, line, before):
            yield Broken(number, reason)
        before = hash_of(line)
        for source, text in heads.items():
            head = parsed_head(text)
            if head and head.number == number and head.hash != before:
                yield Broken(number, f"entry {number} was changed: {source} names another hash for it")
    yield from _missing(len(lines), heads)


def _wrong(number: int, line: str, before: str) -> str | None:
    found = parsed(line)
    if found is None:
        return f"entry {number} is no JSON object"
    if canonical(found) != line:
        return f"entry {number} is not canonical JSON: its bytes were changed"
    if (named := found.get("number")) != number:
        return f"entry {number} is missing: entry {named} stands in its place"
    if found.get("before") != before:
        changed = f"entry {number - 1} or {number} was changed" if number > 1 else "the entries before it are missing"
        return f"entry {number} does not continue entry {number - 1}: {changed}"
    return None


def _missing(count: int, heads: Mapping[str, str]) -> Iterator[Broken]:
    """Heads beyond the end, and those that are none."""
    for source, text in heads.items():
        head = parsed_head(text)
        if head is None:
            yield Broken(count, f"{source} names no head: {text[:80]!r}")
        elif head.number > count:
            yield Broken(count + 1, f"the end is missing: {source} names entry {head.number}, the last one is {count}")
