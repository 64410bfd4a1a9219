"""Values of a chart, merged as Helm merges them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Values = dict[str, Any]


class ValuesOfCharts(Mapping[str, Values]):
    """Values of each chart's files, by the chart's folder; read when they are asked for."""

    def __init__(self, charts: Iterable[str], read: Callable[[str], Values]) -> None:
        self._charts = tuple(charts)
        self._read = read

    def __getitem__(self, chart: str) -> Values:
        if chart not in self._charts:
            raise KeyError(chart)
        return self._read(chart)

    def __iter__(self) -> Iterator[str]:
        return iter(self._charts)

    def __len__(self) -> int:
        return len(self._charts)


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
