"""The picture of the nights, drawn for real."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from azora.core.messages.nightly import SHOWN, Figures
from azora.core.messages.notifications import Night
from azora.gateways.plot import draw

AT = datetime(2026, 11, 24, 2, tzinfo=UTC)


def night(before: int, *, well: bool = True) -> Figures:
    switched = (512, before % 2, 0.1 * before) if well else (None, None, None)
    one = Night(AT - timedelta(days=before), well, "http://run")
    return Figures(one, {"unit tests": 10.0 + before, "promotion": 60.0}, *switched)


@pytest.mark.parametrize("count", [1, 2, SHOWN])
def test_plot_of_nightly_runs(tmp_path: Path, count: int) -> None:
    """Each nightly run is drawn with its date."""
    file = tmp_path / "run" / "nights.svg"
    draw([night(before, well=before % 5 != 1) for before in range(count)], file)

    said = " ".join(ET.parse(file).getroot().itertext())  # noqa: S314 - our own
    assert "unit tests" in said
    assert "minutes" in said
    assert all(f"{AT - timedelta(days=before):%d %b}" in said for before in range(count))


def test_plot_without_a_switch(tmp_path: Path) -> None:
    """Nightly runs without a switch are drawn, too."""
    draw([night(0, well=False)], tmp_path / "nights.svg")
    assert (tmp_path / "nights.svg").stat().st_size > 1000
