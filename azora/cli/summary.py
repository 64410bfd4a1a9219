"""The summary of a followed run in a file, such as GitHub's $GITHUB_STEP_SUMMARY."""

from __future__ import annotations

from pathlib import Path

from azora.cli.output import append
from azora.core.messages.run_summary import ended, summary
from azora.gateways.prefect.runs import Run, pages
from azora.host.retry import retried


class Summary:
    """Appends to *file* what it was not told yet.

    Raises:
        BadInput: nothing can be written there.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._told: set[str] = set()
        append(file, "")

    def tell(self, run: Run) -> None:
        """Look at what *run* left; a run that is over is told of for the last time."""
        end = ended(run.state, run.message) if run.is_over else None
        for part in summary(run.id, run.url, retried(pages)(run.id), end):
            if part not in self._told:
                self._told.add(part)
                append(self._file, f"{part}\n\n")
