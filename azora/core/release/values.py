"""Values of a chart, merged as Helm merges them."""

from __future__ import annotations

import copy
from typing import Any

Values = dict[str, Any]


def merged(*layers: Values) -> Values:
    """Helm's own way to lay values over each other: maps merge, everything else is replaced.

    None stays: to Helm it takes a key away, the chart's own default included.
    """
    result: Values = {}
    for layer in layers:
        _lay(result, copy.deepcopy(layer))
    return result


def _lay(under: Values, over: Values) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(under.get(key), dict):
            _lay(under[key], value)
        else:
            under[key] = value
