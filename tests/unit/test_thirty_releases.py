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
def test_what_grows_after_all_is_full_is_told(counts: list[int], grown: dict[str, str]) -> None:
    rows: list[Row] = [{"pods": count} for count in counts]
    assert growth(rows) == grown


def test_the_table_has_a_line_for_each_release_and_one_before() -> None:
    lines = page([{"pods": 5, "exports": 1}, {"pods": 10, "exports": 2}]).splitlines()
    assert "| after release | pods | exports |" in lines
    assert lines[-2:] == ["| 0 | 5 | 1 |", "| 1 | 10 | 2 |"]
