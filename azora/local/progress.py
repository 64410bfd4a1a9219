"""Progress in the terminal: one line a step, with the time it took; of a long one, where it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from azora.core.messages.foreign_text import line

Say = Callable[[str], object]

STILL_SECONDS = 20.0  # in a log, where no spinner turns, a long step is heard of this often


class Progress:
    """Prints each step when it is done; on a terminal, a spinner with the latest word before that."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[Say]:
        """Time *title*; what is given to the yielded function is shown beside it."""
        began = told = time.monotonic()
        latest = ""

        def say(word: str) -> None:
            nonlocal latest, told
            latest = escape(line(word))
            status.update(f"{title} [dim]{latest}")
            if not self._console.is_terminal and time.monotonic() - told > STILL_SECONDS:
                told = time.monotonic()
                self._line("[dim]…[/]", title, began, latest)

        with self._console.status(title) as status:
            try:
                yield say
            except BaseException:
                self._line("[red]✗[/]", title, began, latest)
                raise
        self._line("[green]✓[/]", title, began, latest)

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self._began

    def _line(self, mark: str, title: str, began: float, latest: str) -> None:
        took = f"{time.monotonic() - began:.1f} s".rjust(8)
        self._console.print(f"{mark} {took}  {title}" + (f" [dim]· {latest}" if latest else ""), highlight=False)
