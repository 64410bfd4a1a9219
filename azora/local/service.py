"""Services that the supervisor keeps running: a command, and the check that it is ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from azora.local.layout import Layout


class Stage(IntEnum):
    """Stages of the start: each is ready before the next begins."""

    STORAGE = 1
    API = 2
    NODE = 3
    WORK = 4


Ready = Callable[[], bool]


@dataclass(frozen=True)
class NodeService:
    """One supervised program of a node. Services of a stage are ready before those of the next one start."""

    name: str
    stage: Stage
    command: tuple[str, ...]
    ready: Ready = field(compare=False)
    env: Mapping[str, str] = field(default_factory=dict)
    reads: Path | None = None
    """Its configuration file: when that changes, the service is started anew."""
    folder: Path = Path("/")
    stop_seconds: int = 3
    stop_signal: str = "TERM"


def words(*parts: str | Path) -> tuple[str, ...]:
    return tuple(str(part) for part in parts)


def log_of(node: Layout, service: str) -> Path:
    return node.log / f"{service}.log"
