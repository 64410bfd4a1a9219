"""Foreign text as people read it: of a commit, a ref, a person or a program. It may hold anything.

Letters without a shape of their own (control characters, zero-width letters, marks that turn the direction of a line) are written
out, such as `\\u202e`. So a text shows everything that it holds, and changes nothing around it.
"""

from __future__ import annotations

import re
import unicodedata

LINE_CHARACTERS = 200
BLOCK_CHARACTERS = 2000

# Letters and marks to Unicode, and empty in most fonts.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_LINE_ENDS = re.compile(r"\r\n|\n")


def line(text: str, most: int = LINE_CHARACTERS) -> str:
    """*text* on one line, of at most *most* letters before they are written out."""
    return _visible(_cut(_spaced(text), most))


def lines(text: str, most: int = BLOCK_CHARACTERS) -> str:
    """*text* with its lines and their indentation, of at most *most* letters before they are written out."""
    whole = _cut(text.rstrip().lstrip("\r\n"), most)
    return "\n".join(_visible(part.expandtabs(4)) for part in _LINE_ENDS.split(whole))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()}…"


def _spaced(text: str) -> str:
    """Every kind of space, and a line's end, is one space."""
    wide = "".join(" " if letter in "\t\r\n" or unicodedata.category(letter) == "Zs" else letter for letter in text)
    return re.sub(" +", " ", wide).strip(" ")


def _visible(text: str) -> str:
    return "".join(map(_letter, text))


def _letter(letter: str) -> str:
    """Escape as in Python's repr(); spaces wider than the common one stay."""
    if letter in _BLANK or not (letter.isprintable() or unicodedata.category(letter) == "Zs"):
        return letter.encode("unicode_escape").decode("ascii")
    return letter
