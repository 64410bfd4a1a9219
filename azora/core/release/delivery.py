"""One release on its way into one environment, by one run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from azora.config.application import Application
from azora.config.environment import Environment
from azora.core.release.release import Release


@dataclass(frozen=True)
class Delivery:
    """`folder` is the export of the release's commit; `run` is who does it, as the Lease and the log name it."""

    release: Release
    application: Application
    environment: Environment
    folder: Path
    run: str
