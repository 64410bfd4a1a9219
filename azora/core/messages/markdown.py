"""Foreign text in markdown: as code, the one place where markdown and HTML mean nothing.

Escapes with `\\` or `&…;` do not hold everywhere: Prefect's pages make links of addresses after the escapes are resolved, and GitHub
people's names. In code no page does. Prefect's pages and forms are rendered by remark with GitHub's extensions, job summaries by
GitHub, `azora plan` by rich.
"""

from __future__ import annotations

import re

from azora.core.messages.foreign_text import BLOCK_CHARACTERS, LINE_CHARACTERS, line, lines

NOTHING = "–"


def code(text: str, most: int = LINE_CHARACTERS) -> str:
    """Format *text* as a code span for a sentence, heading, list item or link text; a dash when empty."""
    return _span(line(text, most))


def cell(text: str, most: int = LINE_CHARACTERS) -> str:
    """Format as `code` in a cell of a table: `|` would end the cell there.

    Behind a backslash it is written out: renderers do not agree on `\\\\|`.
    """
    return _span(line(text, most).replace("\\|", "\\\\x7c").replace("|", "\\|"))


def block(text: str, most: int = BLOCK_CHARACTERS) -> str:
    """*text* with its lines, as a block of code of its own; a dash where it is empty."""
    shown = lines(text, most)
    fence = _ticks(shown, at_least=3)
    return f"{fence}\n{shown}\n{fence}" if shown else NOTHING


def _span(shown: str) -> str:
    ticks = _ticks(shown, at_least=1)
    space = " " if "`" in (shown[:1], shown[-1:]) else ""
    return f"{ticks}{space}{shown}{space}{ticks}" if shown else NOTHING


def _ticks(text: str, *, at_least: int) -> str:
    """More backticks in a row than *text* has."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    return "`" * max(at_least, longest + 1)
