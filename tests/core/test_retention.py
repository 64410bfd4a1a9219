"""Removed and kept items, as tables: limits on one side, needs on the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from azora.core.cluster.record import ProofRecord, StackRecord
from azora.core.retention import (
    Item,
    Limit,
    Needs,
    Unfinished,
    bytes_told,
    decisions,
    needs_of_environment,
    needs_of_run,
)
from tests.support.releases import digest, digest_of, release
from tests.support.worlds import BLUE, BOOKED, NOW, stack

DAY = timedelta(days=1)
LIMIT = Limit(age=30 * DAY, count=3)


def item(name: str, days: float | None, *, group: str = "web", known_as: tuple[str, ...] = ()) -> Item:
    """One that is so old; its age is not known for None."""
    return Item(name, None if days is None else NOW - days * DAY, group=group, known_as=frozenset(known_as))


def told(*items: Item, limit: Limit = LIMIT, needs: Needs | None = None) -> dict[str, tuple[bool, str]]:
    found = decisions(items, limit, now=NOW, floor=DAY, needs=needs or {})
    return {decision.item.name: (decision.goes, decision.reason) for decision in found}


@pytest.mark.parametrize(
    ("items", "goes", "reason"),
    [
        pytest.param([item("x", 5)], False, "the newest", id="alone"),
        pytest.param([item("x", 500)], False, "the newest", id="alone and old: the last one stays"),
        pytest.param([item("a", 1), item("x", 29)], False, "within the limits", id="few and young"),
        pytest.param([item("a", 1), item("x", 31)], True, "older than 30 days", id="too old"),
        pytest.param(
            [item("a", 1), item("b", 2), item("c", 3), item("x", 4)], True, "more than the newest 3", id="one too many"
        ),
        pytest.param(
            [item("a", 0), item("b", 0.1), item("c", 0.2), item("x", 0.9)],
            False,
            "younger than 24 h",
            id="one too many, but young",
        ),
        pytest.param(
            [item("a", 1, group="api"), item("b", 2, group="api"), item("c", 3, group="api"), item("x", 4)],
            False,
            "the newest",
            id="counted within their group",
        ),
        pytest.param([item("a", 1), item("x", None)], False, "its age is unknown", id="age not known"),
        pytest.param([item("x", 31, group="")], True, "older than 30 days", id="no group, too old"),
        pytest.param(
            [*(item(str(number), 2, group="") for number in range(9)), item("x", 3, group="")],
            False,
            "within the limits",
            id="no group: age alone counts",
        ),
    ],
)
def test_retention_limits(items: list[Item], goes: bool, reason: str) -> None:
    """Age and count decide within a group; the last item and young items stay."""
    assert told(*items)["x"] == (goes, reason)


@pytest.mark.parametrize(
    "old",
    [
        pytest.param(item("x", 500), id="by its name"),
        pytest.param(item("shop/web@y", 500, known_as=("y", "x")), id="by another name"),
    ],
)
def test_needed_item(old: Item) -> None:
    """A needed item stays, however old."""
    assert told(item("a", 1), old, needs={"x": "production runs it"})[old.name] == (False, "production runs it")


def test_needed_item_in_the_count() -> None:
    """A needed item takes one place of the count."""
    kept = told(*(item(str(days), days) for days in range(2, 8)), needs={"3": "needed"})
    assert [name for name, (goes, _) in kept.items() if not goes] == ["2", "3", "4"]


def test_needs_of_an_environment() -> None:
    """Images, commits and runs of the releases that an environment runs or records are needed."""
    waiting = StackRecord(release="w", commit="d" * 40, revision=1, cases_by="run of the cases")
    world = replace(
        BOOKED,
        stacks={**BOOKED.stacks, BLUE: replace(stack(BLUE, "w"), images=frozenset({digest_of(3)}), record=waiting)},
        proofs=(ProofRecord(release="w", at=NOW, run="run of the proof"),),
    )
    old, new = release("a", 1), release("b", 2)

    needs = needs_of_environment("production", world, [old, new], [digest_of(4), "elsewhere/tool:1"])

    assert needs[digest(1)] == needs["a" * 40] == f"production can roll back to release {old.id[:12]}"
    assert needs[digest(2)] == needs["b" * 40] == f"production can roll back to release {new.id[:12]}"
    assert needs[digest(3)] == needs[digest(4)] == needs["d" * 40] == "production runs it"
    assert {"run", "run of the proof", "run of the cases"} < needs.keys()


def test_needs_of_a_replaced_record() -> None:
    """A recorded commit is needed though its color runs another release, and the reason is true."""
    old = StackRecord(release="old", commit="d" * 40, revision=1)
    world = replace(BOOKED, stacks={BLUE: replace(stack(BLUE, "half"), record=old)})
    assert needs_of_environment("production", world, [], [])["d" * 40] == "production's record names it"


def test_needs_of_an_unfinished_run() -> None:
    """An unfinished run needs its reports, its commit and its images."""
    needs = needs_of_run(Unfinished("id", "release 1f2e3d4", "a" * 40), ["shop/web:t"])
    assert needs == dict.fromkeys(["id", "a" * 40, "shop/web:t"], "run 'release 1f2e3d4' is not finished")
    assert list(needs_of_run(Unfinished("id", "new"), [])) == ["id"]
    fixed = Unfinished("id", "release 1f2e3d4", "a" * 40, (digest_of(7),))
    assert digest(7) in needs_of_run(fixed, []), "the images of a run are fixed by digest, whatever their tags become"


def test_clock_that_went_back() -> None:
    """A clock in the past removes nothing."""
    early = datetime(2020, 1, 1, tzinfo=UTC)
    found = decisions([item("a", 1), item("x", 400)], LIMIT, now=early, floor=DAY, needs={})
    assert [decision.goes for decision in found] == [False, False]


@pytest.mark.parametrize(("count", "told"), [(7, "7 B"), (3200, "3.2 kB"), (12_500_000, "12.5 MB"), (10**10, "10 GB")])
def test_size_in_words(count: int, told: str) -> None:
    """Sizes are shown in decimal units."""
    assert bytes_told(count) == told
