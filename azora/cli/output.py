"""Output of the commands: sentences for people, JSON for machines."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from azora.config.settings import settings
from azora.core.messages.foreign_text import lines
from azora.errors import BadInput

console = Console(highlight=False, soft_wrap=True)
TERMINAL_CHARACTERS = 10_000


def safe(text: str) -> str:
    """Foreign text for a terminal: neither markup of rich nor an order to the terminal."""
    return escape(lines(text, TERMINAL_CHARACTERS))


def done(sentence: str, data: Mapping[str, object], *, as_json: bool) -> None:
    """Tell that something was done."""
    if as_json:
        print(json.dumps(data, default=str))  # noqa: T201 - plain, for a machine
    else:
        console.print(f"[green]✓[/] {safe(sentence)}")


def note(sentence: str, **what: object) -> None:
    """Write a change into the pipeline's log; *what* has the fields of `azora.host.log_file.about`."""
    from azora.host.log_file import about, by_hand, log_file  # noqa: PLC0415 - most commands change nothing

    by_hand(log_file(settings())).info("%s", sentence, extra=about(**what))


def failed(sentence: str, data: Mapping[str, object], *, as_json: bool) -> None:
    """Tell that something did not work; the exit code is the caller's."""
    if as_json:
        print(json.dumps(data, default=str))  # noqa: T201 - plain, for a machine
    else:
        console.print(f"[red]✗[/] {safe(sentence)}")


def emit(line: str, *, as_json: bool) -> None:
    """A further line for people."""
    if not as_json:
        console.print(safe(line))


def print_plan(text: str, evidence: str = "") -> None:
    """Print a plan (markdown), and the address of its page of evidence in one piece.

    *evidence*: the address where the text has none.
    """
    from rich.markdown import Markdown  # noqa: PLC0415 - most commands show no plan

    from azora.core.messages.plan_page import evidence_address  # noqa: PLC0415

    console.print(Markdown(text), soft_wrap=False)
    if address := evidence or evidence_address(text):
        console.print(f"evidence: {safe(address)}")


def program() -> str:
    """Name of this program for a line to copy, as it was started: a `.venv/bin` may not be on PATH."""
    started = Path(sys.argv[0])
    return str(started) if started.name == "azora" and shutil.which("azora") != str(started) else "azora"


def append(file: Path, text: str) -> None:
    """Add *text* to a file that other programs read.

    Raises:
        BadInput: it cannot be written.
    """
    try:
        with file.open("a") as end:
            end.write(text)
    except OSError as error:
        raise BadInput(f"could not write {str(file)!r}: {error.strerror}", advice="name another file") from error
