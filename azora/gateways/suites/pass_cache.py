"""Pass cache: unit tests that passed, stored with their output for as long as that is kept."""

from __future__ import annotations

from pathlib import Path

from azora.host.writes import System, writing

MARK = ".passed"


def remember_pass(log: Path, content: str) -> None:
    """The tests that wrote *log* passed on *content* (`content_of_tests`)."""
    with writing(System.FILES, f"{log}{MARK}"):
        Path(f"{log}{MARK}").write_text(content, encoding="ascii")


def passed_before(name: str, content: str, runs: Path) -> Path | None:
    """The newest log called *name* in a folder of *runs* whose tests passed on *content*."""
    marks = runs.glob(f"*/{name}{MARK}")
    logs = [mark.with_suffix("") for mark in marks if _content(mark) == content]
    return max((log for log in logs if log.is_file()), key=lambda log: log.stat().st_mtime, default=None)


def _content(mark: Path) -> str:
    """Empty where pruning was faster."""
    try:
        return mark.read_text(encoding="ascii")
    except FileNotFoundError:
        return ""
