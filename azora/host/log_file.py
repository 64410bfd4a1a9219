"""Pipeline's log: JSON lines of the Elastic Common Schema in `<state>/log/pipeline.log`.

As the services' logs are, so that one search finds both; docs/monitoring.md has the fields.
"""

from __future__ import annotations

import logging
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from ecs_logging import StdlibFormatter

from azora.config.settings import Settings
from azora.host.locks import only_one
from azora.redaction import redacted

MOST_BYTES = 10_000_000
OLD_FILES = 2

_FIELDS = ("@timestamp", "ecs.version", "error", "labels", "log", "message", "service", "user")
_NAMES = {
    "environment": "service.environment",
    "release": "service.version",
    "color": "labels.color",
    "run": "labels.run",
    "run_name": "labels.run_name",
    "flow": "labels.flow",
    "task": "labels.task",
    "by": "user.name",
}


def about(**known: object) -> dict[str, str]:
    """Subject of a log line, for `extra` of a logger's call: environment, release, color, run, flow, …"""
    return {_NAMES[name]: str(value) for name, value in known.items() if value}


def log_file(settings: Settings) -> Path:
    return settings.state_folder / "log/pipeline.log"


class LogFile(logging.Handler):
    """Log handler of *file*, to which several processes append.

    The file is opened for each line, so that no line is lost when another process rotates it. `<file>.1` is the one
    before, and so on.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
        self._failed = False
        self.setFormatter(_Line(extra={"service.name": "pipeline"}, exclude_fields=("log.original", "log.origin")))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; an error such as a full disk costs the line and never the run."""
        try:
            line = f"{self.format(record)}\n".encode()
            self._file.parent.mkdir(parents=True, exist_ok=True)
            if self._is_full():
                self._turn_over()
            with self._file.open("ab", buffering=0) as end:
                end.write(line)
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Told once, on standard error."""
        if self._failed:
            return
        self._failed = True
        if isinstance(error := sys.exc_info()[1], OSError):
            print(f"could not write {self._file}: {error.strerror}", file=sys.stderr)  # noqa: T201 - the log is what failed
        else:
            super().handleError(record)

    def _is_full(self) -> bool:
        try:
            return self._file.stat().st_size >= MOST_BYTES
        except FileNotFoundError:  # nobody wrote yet, or another process is turning it over
            return False

    def _turn_over(self) -> None:
        with only_one(self._file.with_name(f".{self._file.name}.lock"), what="rotate the log", timeout_seconds=5):
            if not self._is_full():
                return
            files = [self._file, *(Path(f"{self._file}.{number}") for number in range(1, OLD_FILES + 1))]
            for newer, older in reversed(list(pairwise(files))):
                if newer.is_file():
                    newer.replace(older)


class _Line(StdlibFormatter):
    """Formatter: the library's line with an error's traceback, without secrets and record fields."""

    def format_to_ecs(self, record: logging.LogRecord) -> dict[str, Any]:
        found = super().format_to_ecs(record)
        if record.exc_info and record.exc_info[0]:
            found["error"]["stack_trace"] = self.formatException(record.exc_info)
        return {name: value for name, value in found.items() if name in _FIELDS}

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def by_hand(file: Path) -> logging.Logger:
    """The logger of what is done from the command line; it writes to *file* and nowhere else."""
    logger = logging.getLogger("azora.cli")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [LogFile(file)]
    return logger
