"""Plot of the last nightly runs; matplotlib takes half a second and is imported here alone, on use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from azora.core.messages.nightly import STAGES, Figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = (10, 6)
WELL, BAD = "#2f9e44", "#c92a2a"


def draw(nights: Sequence[Figures], file: Path) -> None:
    """An SVG of stage times and switches, the oldest night on the left; *nights* are newest first."""
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415 - no pyplot: it keeps every figure

    ordered = list(reversed(nights))
    file.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "azora", "font.family": "sans-serif"}):
        figure = Figure(figsize=INCHES, layout="constrained")
        stages, switches = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        _draw_stages(stages, ordered)
        _draw_switches(switches, ordered)
        places = range(len(ordered))
        switches.set_xticks(places, [f"{one.night.at:%d %b}" for one in ordered], rotation=60, fontsize=8)
        for label, one in zip(switches.get_xticklabels(), ordered, strict=True):
            label.set_color(WELL if one.night.went_well else BAD)
        figure.savefig(file, format="svg", metadata={"Date": None})


def _draw_stages(axes: Axes, nights: Sequence[Figures]) -> None:
    below = [0.0] * len(nights)
    for stage in STAGES:
        minutes = [one.stages.get(stage, 0.0) / 60 for one in nights]
        axes.bar(range(len(nights)), minutes, bottom=below, label=stage)
        below = [low + more for low, more in zip(below, minutes, strict=True)]
    axes.set_ylabel("minutes")
    axes.legend(loc="upper left", fontsize=8, ncols=len(STAGES), frameon=False)
    axes.margins(y=0.2)


def _draw_switches(axes: Axes, nights: Sequence[Figures]) -> None:
    """Requests that failed as bars; how long the old color still answered as points."""
    axes.bar(range(len(nights)), [one.failed or 0 for one in nights], color=BAD, label="failed requests")
    axes.set_ylabel("failed requests")
    axes.set_ylim(bottom=0, top=1.1 * max([1, *(one.failed or 0 for one in nights)]))
    axes.locator_params(axis="y", integer=True)
    times = axes.twinx()
    seen = [(place, one.last_on_old_seconds) for place, one in enumerate(nights) if one.last_on_old_seconds is not None]
    times.plot([place for place, _ in seen], [seconds for _, seconds in seen], "o", color="#1c7ed6", markersize=4)
    times.set_ylim(bottom=min([0, *(seconds for _, seconds in seen)]))
    times.set_ylabel("last on the old color, s after the switch")
