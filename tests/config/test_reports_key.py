"""Key of the signed links to reports."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from azora.config.reports_key import reports_key
from azora.config.settings import Settings
from azora.errors import BadInput

KEY = "k" * 32


def test_key_of_a_file(tmp_path: Path) -> None:
    """The value goes before the file, and a file of the state folder needs no setting."""
    (tmp_path / "reports-key").write_text(f"{KEY}\n")
    (tmp_path / "other").write_text("o" * 32)
    assert reports_key(Settings(state=tmp_path)) == KEY
    assert reports_key(Settings(state=tmp_path, reports_key_file=tmp_path / "other")) == "o" * 32
    assert reports_key(Settings(state=tmp_path, reports_key=SecretStr("v" * 32))) == "v" * 32
    assert reports_key(Settings(state=tmp_path / "empty")) == ""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "No such file or directory", id="missing"),
        pytest.param(b"\xff" * 32, "not a text file", id="binary"),
        pytest.param(b"short", "it has 5 letters", id="short"),
    ],
)
def test_key_that_cannot_be_used(tmp_path: Path, content: bytes | None, says: str) -> None:
    """A file that is named and cannot be used is an error, and no unsigned link."""
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(BadInput, match=says):
        reports_key(Settings(state=tmp_path, reports_key_file=tmp_path / "key"))
