"""`azora …`: the pipeline from a terminal."""

from __future__ import annotations

import os
import sys
import warnings

from rich.console import Console

from azora.cli.exit_codes import exit_code
from azora.cli.output import safe
from azora.config.os_user import ensure_home
from azora.errors import AzoraError


def main() -> None:
    """Run the command line; an error is one sentence and what to do, never a trace."""
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_ENABLED", "false")  # no server: an error, not one of its own
    ensure_home()
    warnings.filterwarnings("ignore", "Failed to create the Prefect home directory")  # nothing of it is needed here
    try:
        from azora.cli.commands import app  # noqa: PLC0415

        app()
    except AzoraError as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[bold red]✗[/] {safe(error.message)}")
        if error.advice:
            console.print(f"  → {safe(error.advice)}")
        sys.exit(exit_code(error))
