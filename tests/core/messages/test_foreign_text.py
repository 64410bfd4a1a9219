"""Foreign text in plain form: every letter can be seen, none does anything."""

from __future__ import annotations

import pytest

from azora.core.messages.foreign_text import line, lines
from tests.support.odd_texts import odd_texts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Fix the cart", "Fix the cart", id="plain"),
        pytest.param("  Fix \t the\r\ncart\n", "Fix the cart", id="white space is one space"),
        pytest.param("Corrige\u00a0: le\u202fpanier \u3000", "Corrige : le panier", id="so are wide and narrow ones"),
        pytest.param("Füge 購物車 עגלה 🛒 hinzu", "Füge 購物車 עגלה 🛒 hinzu", id="letters of any language stay"),
        pytest.param("Caf\ufffd", "Caf\ufffd", id="what was no UTF-8"),
        pytest.param("\u202ekcab\u202c", "\\u202ekcab\\u202c", id="right to left"),
        pytest.param("\u2066a\u2069\u200f", "\\u2066a\\u2069\\u200f", id="isolates and marks"),
        pytest.param("a\u200bb\ufeff\u00ad", "a\\u200bb\\ufeff\\xad", id="no width"),
        pytest.param("a\u3164\u2800", "a\\u3164\\u2800", id="no shape"),
        pytest.param("\x1b[31m\x07\x9b", "\\x1b[31m\\x07\\x9b", id="control characters"),
        pytest.param("a\u2028b\u2029c\x85d\x0ce", "a\\u2028b\\u2029c\\x85d\\x0ce", id="separators"),
        pytest.param("a\ud83d", "a\\ud83d", id="half a letter"),
        pytest.param("\U000e0041", "\\U000e0041", id="a tag"),
        pytest.param("ab" * 5000, "ab" * 100 + "…", id="long"),
        pytest.param(" " * 10_000 + "a", "a", id="long, and blank"),
        pytest.param("", "", id="empty"),
    ],
)
def test_foreign_line(text: str, shown: str) -> None:
    """The line shows all that the text holds, or its beginning."""
    assert line(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("\n  a\n\tb\r\nc \n\n", "  a\n    b\nc", id="lines and their indentation stay"),
        pytest.param("a\rb\x1b[2Jc\u2028d", "a\\rb\\x1b[2Jc\\u2028d", id="nothing else ends a line"),
        pytest.param("a\n" * 5000, "a\n" * 999 + "a…", id="long"),
    ],
)
def test_foreign_lines(text: str, shown: str) -> None:
    """Lines and their indentation stay; each line obeys the rules of one line."""
    assert lines(text) == shown


@odd_texts
def test_odd_texts_in_plain_form(odd: str) -> None:
    """Each character that is shown is printable, and there are not too many."""
    assert all(letter.isprintable() for letter in line(odd))
    assert all(letter.isprintable() or letter == "\n" for letter in lines(odd))
    assert len(line(odd)) < 500
