"""Text of programs and people, as Prefect's database and pages can have it."""

from __future__ import annotations

import json

import pytest

from azora.errors import BadInput, storable


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("a\nb\tc — ä 😀", "a\nb\tc — ä 😀", id="plain"),
        pytest.param("a\0b", "a\ufffdb", id="NUL, which PostgreSQL refuses"),
        pytest.param("a\x08\x0c\x7fb", "a\ufffd\ufffd\ufffdb", id="control characters"),
        pytest.param("a\ud83db", "a\ufffdb", id="half a letter, which is no UTF-8"),
        pytest.param("\x1b[31mred\x1b[0m", "red", id="color"),
        pytest.param("a\r\nb", "a\nb", id="Windows"),
        pytest.param("x" * 100, "x" * 10 + "\n… 60 letters left out …\n" + "x" * 30, id="long"),
    ],
)
def test_storable(text: str, kept: str) -> None:
    """Characters that a database or a page would refuse are replaced; of a long text, the beginning and the end stay."""
    assert storable(text, 40) == kept
    json.dumps(kept, ensure_ascii=False).encode()


def test_error_with_foreign_text() -> None:
    """Every error of ours is so, whatever a program printed."""
    error = BadInput("could not test it: \0" + "x" * 1_000_000, advice="read\x00 it")
    assert len(str(error)) < 11_000
    assert "\0" not in str(error)
