"""Commands of `azora` in this process, with settings of their own."""

from __future__ import annotations

import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from unittest.mock import patch

from azora.cli import main
from tests.support.guestbook import settings_of


@dataclass(frozen=True)
class Done:
    """Result of a command."""

    returncode: int
    stdout: str
    stderr: str


def azora(known: dict[str, str], *words: str) -> Done:
    """Run a command without a terminal; *known* are the variables that differ from those of the tests."""
    out, errors = StringIO(), StringIO()
    with (
        settings_of(known),
        patch.object(sys, "argv", ["azora", *words]),
        patch.object(sys, "stdin", StringIO()),
        redirect_stdout(out),
        redirect_stderr(errors),
    ):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return Done(code, out.getvalue(), errors.getvalue())
