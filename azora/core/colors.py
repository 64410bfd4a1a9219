"""The two colors, and what is named after them."""

from __future__ import annotations

from enum import StrEnum


class Color(StrEnum):
    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> Color:
        return Color.GREEN if self is Color.BLUE else Color.BLUE


COLOR_LABEL = "azora.dev/color"
RELEASE_LABEL = "azora.dev/release"
NAME_LABEL = "app.kubernetes.io/name"
COMPONENT_LABEL = "app.kubernetes.io/component"
