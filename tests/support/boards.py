"""Grafana's boards and the metrics that they query."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from azora.config.settings import ROOT

FOLDER = ROOT / "deployments/monitoring"
FILES = sorted((FOLDER / "boards").glob("*.json"))
_NOT_METRICS = (
    r'"(?:[^"\\]|\\.)*"',  # strings
    r"\{[^}]*\}",  # matchers
    r"\[[^\]]*\]",  # ranges
    r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)",  # labels
    r"\b[a-z_]+\s*(?=\()",  # functions
    r"\b[\d.]+\w*",  # numbers and durations
)


def metrics_of(query: str) -> set[str]:
    for pattern in _NOT_METRICS:
        query = re.sub(pattern, " ", query)
    return set(re.findall(r"[a-zA-Z_:][\w:]*", query)) - WORDS


def queries(node: Any) -> Iterator[str]:
    """Every query of a board, wherever it is."""
    if isinstance(node, dict):
        if isinstance(node.get("expr"), str):
            yield node["expr"]
        for value in node.values():
            yield from queries(value)
    elif isinstance(node, list):
        for value in node:
            yield from queries(value)


WORDS = {
    *("and", "or", "unless", "on", "ignoring", "by", "without", "bool", "offset", "group_left", "group_right"),
    *("inf", "nan"),
}
