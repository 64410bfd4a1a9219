"""The table of thirty releases: what it says and when it fails."""

from __future__ import annotations

import pytest

from benchmarks.thirty_releases import Row, growth, page


@pytest.mark.parametrize(
    ("counts", "grown"),
    [
        pytest.param([*range(20), 20, *[20] * 10], {}, id="fills, then stays"),
        pytest.param([*range(20), 20, *[23] * 10], {}, id="within a tenth and one"),
        pytest.param([*range(20), 20, *[24] * 10], {"pods": "20 → 24"}, id="grows"),
        pytest.param([*range(20), 20, *[1] * 10], {}, id="shrinks"),
    ],
)
def test_growth(counts: list[int], grown: dict[str, str]) -> None:
    """Each measure that still grows after the limits are reached is named."""
    rows: list[Row] = [{"pods": count} for count in counts]
    assert growth(rows) == grown


@pytest.mark.parametrize(
    ("end", "grown"),
    [
        pytest.param({"etcd MB": 223, "state MB": 1061}, {}, id="one more file of etcd's log"),
        pytest.param({"etcd MB": 284}, {"etcd MB": "162 → 284"}, id="two more"),
        pytest.param({"PostgreSQL MB": 120, "of it events": 49}, {}, id="events, which go by age"),
        pytest.param({"PostgreSQL MB": 123}, {"PostgreSQL MB without events": "71 → 80"}, id="all but events"),
    ],
)
def test_growth_with_another_bound(end: Row, grown: dict[str, str]) -> None:
    """Each measure with a bound of its own is compared with that bound."""
    full: Row = {"state MB": 1000, "etcd MB": 162, "PostgreSQL MB": 114, "of it events": 43}
    assert growth([*[full] * 30, full | end]) == grown


def test_table_rows() -> None:
    """The table has a row for each release and one before."""
    lines = page([{"pods": 5, "exports": 1}, {"pods": 10, "exports": 2}]).splitlines()
    assert "| after release | pods | exports |" in lines
    assert lines[-2:] == ["| 0 | 5 | 1 |", "| 1 | 10 | 2 |"]
