"""`azora …`: the pipeline from a terminal. Exit codes: 0 done · 1 it failed · 2 wrong usage · 3 refused · 4 unreachable."""

from __future__ import annotations

import os
import sys

from rich.console import Console
from rich.markup import escape

from azora.errors import AzoraError, BadInput, Refused, TransientError
from azora.settings import settings

EXIT_CODES: tuple[tuple[type[AzoraError], int], ...] = (
    (BadInput, 2),
    (Refused, 3),
    (TransientError, 4),
    (AzoraError, 1),
)


def main() -> None:
    """Run the command line; an error is one sentence and what to do, never a trace."""
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_ENABLED", "false")  # no server: an error, not one of its own
    try:
        settings()  # before anything of Prefect is imported: it reads its address from the environment once
        from azora.cli.commands import app  # noqa: PLC0415

        app()
    except AzoraError as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[bold red]✗[/] {escape(error.message)}")
        if error.advice:
            console.print(f"  → {escape(error.advice)}")
        sys.exit(next(code for kind, code in EXIT_CODES if isinstance(error, kind)))
