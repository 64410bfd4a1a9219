"""Observer of a promotion: receives what its steps report while they work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from azora.core.checks.suite_result import SuiteResult


def _ignore(*_: object) -> None: ...


@dataclass(frozen=True)
class Observer:
    """Callbacks of a caller; each one is optional.

    pods: ready and wanted pods of the preview, once a second while Helm waits.
    preview_smoke, preview_e2e, live_smoke: the result of that suite, also of one that failed.
    judged: the switch was accepted, or users are back.
    """

    pods: Callable[[int, int], None] = _ignore
    preview_smoke: Callable[[SuiteResult], None] = _ignore
    preview_e2e: Callable[[SuiteResult], None] = _ignore
    live_smoke: Callable[[SuiteResult], None] = _ignore
    judged: Callable[[], None] = _ignore


SILENT = Observer()
