"""Operating system user of this process; in a container often a number without name or home folder."""

from __future__ import annotations

import getpass
import os
from contextlib import suppress
from pathlib import Path


def user_name() -> str:
    """The login name; empty where the machine has none for this user."""
    with suppress(KeyError, OSError):  # without an entry in passwd: Python 3.11 raises the first, 3.13 the second
        return getpass.getuser()
    return ""


def user_label() -> str:
    """The login name, or `uid 10001`: for logs, never as the name of an approver."""
    return user_name() or f"uid {os.getuid()}"


def expanded(path: Path) -> Path:
    """*path* with its `~`, which no shell sees in a file, replaced by the home folder.

    Raises:
        ValueError: there is no such user, or the user has no home folder.
    """
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(f"there is no home folder for {path.parts[0]!r}") from None


def ensure_home() -> None:
    """Set HOME to `/` where the user has no home folder, as container runtimes do.

    Prefect does not start without one.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"
