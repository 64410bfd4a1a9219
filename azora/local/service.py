"""What the supervisor keeps running: a command, and how one knows that it is ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from azora.local.layout import Layout

Ready = Callable[[], bool]


@dataclass(frozen=True)
class Service:
    """One supervised program of a node. Services of a lower *stage* are ready before those of a higher one start."""

    name: str
    stage: int
    command: tuple[str, ...]
    ready: Ready = field(compare=False)
    env: Mapping[str, str] = field(default_factory=dict)
    reads: Path | None = None
    """Its configuration file: when that changes, the service is started anew."""
    folder: Path = Path("/")
    umask: str = "022"
    stop_seconds: int = 3
    stop_signal: str = "TERM"


def words(*parts: str | Path) -> tuple[str, ...]:
    return tuple(str(part) for part in parts)


def log_of(node: Layout, service: str) -> Path:
    return node.log / f"{service}.log"
