"""The chain of a record: what was changed in it, and the first link that shows it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from azora.core.record.chain import NO_HEAD, Head, broken_link, head_of, parsed_head
from azora.core.record.entry import entry_of, line_after, note
from azora.core.record.events import (
    Begun,
    Ended,
    Event,
    Expired,
    Frozen,
    Other,
    Overridden,
    PolicyChanged,
    Received,
    Refused,
    Rejected,
    Switched,
    Switching,
)
from azora.core.release.release import canonical
from tests.support.chains import APPROVED, ASKED, AT, GOOD, PROMOTION, chain, whole

SEVEN = whole()
HEAD = str(head_of(SEVEN))
LIVE = {"the live Service": HEAD}
Change = Callable[[list[str]], list[str]]


def changed(number: int, old: str, new: str) -> Change:
    def change(lines: list[str]) -> list[str]:
        assert old in lines[number - 1]
        return [line.replace(old, new) if at == number else line for at, line in enumerate(lines, start=1)]

    return change


@pytest.mark.parametrize(
    ("change", "number", "reason"),
    [
        pytest.param(changed(3, '"ada"', '"eve"'), 4, "entry 3 or 4 was changed", id="a byte changed", marks=pytest.mark.attack("the record with a byte changed", by="azora verify")),
        pytest.param(changed(3, '"who":', '"who": '), 3, "not canonical JSON", id="a space added"),
        pytest.param(changed(3, '"who"', '"who":"eve","who"'), 3, "not canonical JSON", id="a key twice"),
        pytest.param(lambda lines: [*lines[:3], *lines[4:]], 4, "entry 4 is missing: entry 5", id="a line removed", marks=pytest.mark.attack("the record with a line removed", by="azora verify")),
        pytest.param(lambda lines: lines[1:], 1, "entry 1 is missing: entry 2", id="the first removed", marks=pytest.mark.attack("the record with the first removed", by="azora verify")),
        pytest.param(
            lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], 3, "entry 3 is missing: entry 4", id="lines moved",
            marks=pytest.mark.attack("the record with lines moved", by="azora verify"),
        ),
        pytest.param(lambda lines: [*lines[:4], lines[3], *lines[4:]], 5, "entry 5 is missing", id="a line twice", marks=pytest.mark.attack("the record with a line twice", by="azora verify")),
        pytest.param(lambda lines: [*lines[:4], "gone", *lines[4:]], 5, "no JSON object", id="no JSON"),
        pytest.param(
            lambda lines: lines[:5], 6, "the end is missing: the live Service names entry 7, the last one is 5", id="the tail cut",
            marks=pytest.mark.attack("the record with the tail cut", by="azora verify"),
        ),
        pytest.param(lambda _: [], 1, "the end is missing", id="all removed", marks=pytest.mark.attack("the record with all removed", by="azora verify")),
        pytest.param(changed(7, "carts", "parts"), 7, "entry 7 was changed: the live Service", id="the last changed", marks=pytest.mark.attack("the record with the last changed", by="azora verify")),
    ],
)  # fmt: skip
def test_changed_record(change: Change, number: int, reason: str) -> None:
    """The first broken link is named."""
    found = broken_link(change(SEVEN), LIVE)
    assert found
    assert found.number == number
    assert reason in found.reason


def test_whole_record() -> None:
    """An unchanged record has no broken link, also after the head that is known."""
    assert broken_link(SEVEN, LIVE) is None
    assert broken_link(SEVEN, {"an export": str(head_of(SEVEN[:4])), "nothing": str(NO_HEAD)}) is None


@pytest.mark.attack("the record written again from an entry on", by="azora verify, with a head that was kept")
def test_record_written_again() -> None:
    """A record that was written again from one entry on is found by a head that somebody kept."""
    other = [*SEVEN[:2]]
    for line in SEVEN[2:]:
        entry = entry_of(line)
        other.append(line_after(other[-1], entry.model_copy(update={"who": "eve"})))
    assert broken_link(other, {}) is None
    kept = {"the export of yesterday": str(head_of(SEVEN[:5]))}
    found = broken_link(other, kept)
    assert found
    assert (found.number, found.reason[:21]) == (5, "entry 5 was changed: ")


@pytest.mark.parametrize("text", ["", "7", "7:abc", "seven:" + "0" * 64, "²:" + "0" * 64, "-1:" + "0" * 64])
def test_text_that_is_no_head(text: str) -> None:
    """A text that is no head is none, and a source that names it is named."""
    assert parsed_head(text) is None
    found = broken_link(SEVEN, {"the live Service": text})
    assert found
    assert "the live Service names no head" in found.reason


def test_head() -> None:
    """A head is read as it was written."""
    assert parsed_head(HEAD) == head_of(SEVEN) == Head(7, head_of(SEVEN).hash)


def test_hash_by_a_standard_program(tmp_path: Path) -> None:
    """`sha256sum` of a line without its end is the hash in the next one."""
    file = tmp_path / "line"
    file.write_bytes(SEVEN[2].encode())
    printed = subprocess.run(["sha256sum", file], check=True, capture_output=True, text=True).stdout
    assert printed.split()[0] == json.loads(SEVEN[3])["before"]


def test_kind_of_a_newer_version() -> None:
    """An entry of an unknown kind is kept whole, and its chain is verified."""
    (first,) = chain()
    newer = canonical(json.loads(first) | {"event": {"kind": "teleported", "to": "green"}})
    entry = entry_of(newer)
    assert isinstance(entry.event, Other)
    assert entry.event.model_dump()["to"] == "green"
    lines = [newer, line_after(newer, note(Begun(), at=AT, who="ada"))]
    assert broken_link(lines, {}) is None


FIRST = PROMOTION.model_copy(update={"number": 1, "kind": "first", "came_from": None, "approval": None})


@pytest.mark.parametrize(
    "event",
    [
        Begun(), ASKED.model_copy(update={"began": None}), APPROVED, Rejected(release="r", plan="p", given_at=AT), Refused(what="switch"),
        Ended(approval="a"), Expired(what="request", release="r", plan="p"), Switching(switch=FIRST), Switched(switch=FIRST),
        Received(receipt=GOOD), Overridden(), Frozen(), PolicyChanged(what="file", after="a"),
    ],
    ids=lambda event: event.kind,
)  # fmt: skip
def test_kind(event: Event) -> None:
    """An entry of each kind is read as it was written, also without what may be missing."""
    line = line_after(None, note(event, at=AT, who="ada"))
    assert entry_of(line).event.model_dump(mode="json") == event.model_dump(mode="json")


def test_entry_after_an_unknown_one() -> None:
    """An entry that lacks fields of its kind stops nobody: the next one continues it."""
    (first,) = chain()
    bare = canonical(json.loads(first) | {"event": {"kind": "switching"}})
    assert broken_link([bare, line_after(bare, note(Begun(), at=AT, who="ada"))], {}) is None


def test_repeated_event() -> None:
    """An event whose answer was lost is recognized; two refused attempts are two."""
    begun, refused = note(Begun(), at=AT, who="ada"), note(Refused(what="switch"), at=AT, who="ada")
    assert begun.is_in(["gone", line_after(None, begun)])
    assert not begun.model_copy(update={"who": "grace"}).is_in([line_after(None, begun)])
    assert not refused.is_in([line_after(None, refused)])


@pytest.mark.parametrize(
    "text", ["\ud800", "a\x00b", "ü\u202e\U0001f600", "x" * 100_000], ids=["half a letter", "NUL", "wide", "long"]
)
def test_texts_of_people(text: str) -> None:
    """Any text a person types fits into an entry, and the chain holds."""
    lines = [line_after(None, note(Begun(), at=AT, who=text, why=text))]
    assert broken_link(lines, {}) is None
    assert len(lines[0].encode()) < 16_384
