"""Files that hold a secret: a person writes one, the pipeline reads it."""

from __future__ import annotations

from pathlib import Path

from azora.errors import BadInput


def secret_in(file: Path, what: str, *, advice: str = "", optional: bool = False) -> str:
    """Return the text of *file*; empty where an *optional* one is not there. *what*: for the error.

    Raises:
        BadInput: the file cannot be read, or is not a text.
    """
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        if optional and isinstance(error, FileNotFoundError):
            return ""
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
    raise BadInput(f"could not read {what} in {str(file)!r}: {reason}", advice=advice)
