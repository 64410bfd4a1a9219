"""`azora …`: the pipeline from a terminal. Exit codes: 0 done · 1 it failed · 2 wrong usage · 3 refused · 4 unreachable."""

from __future__ import annotations

import sys

from rich.console import Console

from azora.errors import AzoraError, BadInput, Refused, TransientError

EXIT_CODES: tuple[tuple[type[AzoraError], int], ...] = (
    (BadInput, 2),
    (Refused, 3),
    (TransientError, 4),
    (AzoraError, 1),
)


def main() -> None:
    """Run the command line; an error is one sentence and what to do, never a trace."""
    from azora.cli.commands import app  # noqa: PLC0415 - after the console, so that even an import error is told well

    try:
        app()
    except AzoraError as error:
        Console(stderr=True).print(f"[bold red]✗[/] {error.message}", highlight=False)
        if error.advice:
            Console(stderr=True).print(f"  → {error.advice}", highlight=False)
        sys.exit(next(code for kind, code in EXIT_CODES if isinstance(error, kind)))
