"""The first release that several tests look at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FirstRelease:
    """Ids of the runs: one that was killed while it installed staging, and the one that went over what it left."""

    killed: str
    run: str
