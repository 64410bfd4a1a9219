"""One release on its way into one environment, by one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from azora.config.application import Application
from azora.config.environment import Environment
from azora.core.release.release import Release
from azora.core.release.values import Values


@dataclass(frozen=True)
class Delivery:
    """Delivery of a release.

    `folder` is the export of its commit, `charts` the folder of its charts, verified whenever it is asked for; `values` are those of
    each chart's files, by the chart's folder; `run` is the holder of the Lease, as the log names it.
    """

    release: Release
    application: Application
    environment: Environment
    folder: Path
    charts: Callable[[], Path]
    values: Mapping[str, Values]
    run: str

    def chart(self, path: str) -> Path:
        """Folder of the chart at *path* of the commit, for Helm."""
        return self.charts() / path
