"""Folders in which the tests of a commit write: handed over, and taken back before they are used."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from azora.errors import Failed
from azora.host.folders import erase

MOST_LEVELS = 50  # of folders that tests leave: more than any report has
NUMBER = 61000  # no system has this user: between those of packages and those that systemd makes and forgets (61184 to 65519)


def hand_over(folder: Path) -> None:
    """Give *folder* and all in it to the sandbox's user; it was handed over when it is theirs itself."""
    if os.geteuid() == 0 and folder.lstat().st_uid != NUMBER:
        _give(folder, NUMBER)


def take_back(folder: Path) -> None:
    """Make *folder* ours again after strangers wrote in it: what is no plain file or folder is removed.

    A link of theirs would be followed with our rights: read by whoever serves the folder, written by the next run. Removed
    is, too, what is deeper than any report: whoever walks through it would not come to an end.
    Raises Failed where a part of *folder* cannot be looked at.
    """
    try:
        folder.chmod(0o755)  # as the same user they could close it for us
        for path, folders, files, here in os.fwalk(folder, onerror=_raised):
            if len(Path(path).relative_to(folder).parts) >= MOST_LEVELS:
                for name in folders:
                    erase(Path(path, name))
                folders.clear()
            kept = {name for name in (*folders, *files) if _is_kept(name, here)}
            folders[:] = kept.intersection(folders)
        if os.geteuid() == 0:
            _give(folder, 0)
    except OSError as error:
        advice = "look at what the tests wrote there, remove the folder, and run the same again"
        raise Failed(f"could not take {folder} back from the tests: {error.strerror}", advice=advice) from None


def _is_kept(name: str, here: int) -> bool:
    """Open the rights of *name* for us, or remove it.

    By a descriptor, so that what takes its place meanwhile is not changed. It needs no right to read.
    """
    opened = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=here)
    try:
        mode = os.fstat(opened).st_mode
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            Path(f"/proc/self/fd/{opened}").chmod(0o755 if stat.S_ISDIR(mode) else 0o644)
            return True
    finally:
        os.close(opened)
    os.unlink(name, dir_fd=here)
    return False


def _give(folder: Path, user: int) -> None:
    """Give *folder* to *user*, itself last.

    By descriptors, so that nobody who works in it leads us out of it.
    """
    for _, folders, files, here in os.fwalk(folder, topdown=False):
        for name in (*folders, *files):
            with suppress(FileNotFoundError):  # another test of the same export removed it
                os.chown(name, user, user, dir_fd=here, follow_symlinks=False)
    os.chown(folder, user, user, follow_symlinks=False)


def _raised(error: OSError) -> None:
    raise error
