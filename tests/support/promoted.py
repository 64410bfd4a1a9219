"""What became of one approved promotion of production."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from azora.core.checks.probe_result import ProbeResult
from azora.core.cluster.state import World
from tests.support import pipeline


@dataclass(frozen=True)
class Yes:
    """A promotion of production: the world before, the moment of the answer (Unix time), the run, what users met, notices."""

    before: World
    answered: float
    over: pipeline.Run
    seen: ProbeResult
    told: Notices


@dataclass(frozen=True)
class Notices:
    """What the receiver was told in one promotion: before the answer, and in all."""

    before_the_answer: list[dict[str, Any]]
    all: list[dict[str, Any]]
