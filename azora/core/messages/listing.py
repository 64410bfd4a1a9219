"""Long lists cut short: the first lines, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence


def capped(lines: Sequence[str], most: int, *, bullet: str = "", where: str = "") -> list[str]:
    """First *most* of *lines*, each after *bullet*; a last line has the number and place of the others."""
    more = len(lines) - most
    return [f"{bullet}{line}" for line in lines[:most]] + ([f"{bullet}… and {more} more{where}"] if more > 0 else [])
