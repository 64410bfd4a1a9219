"""Tests as a user without rights, as a worker that is not root has none."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from shlex import quote

USER = 12345


def as_other_user(folder: Path, work: Callable[[], object]) -> None:
    """Do *work* in the working folder *folder*, in a process of its own; paths must be relative to it."""
    if os.geteuid() == 0:
        os.chown(folder, USER, USER)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.chdir(folder)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(USER, USER, USER)
                os.setresuid(USER, USER, USER)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def with_other_user(argv: Sequence[str], empty: Path) -> list[str]:
    """Command line that runs *argv* as that user.

    Python and this repository are seen even where they are in root's home.
    """
    needed = [Path(sys.base_prefix), Path(__file__).parents[2]]
    drop = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--", *argv]
    return ["unshare", "--mount", "--propagation=private", "sh", "-euc", "\n".join(_opened(needed, empty)), "sh", *drop]


def _opened(needed: Sequence[Path], aside: Path) -> Iterator[str]:
    closed = {next(filter(_is_closed, reversed(path.parents)), None) for path in needed} - {None}
    for number, path in enumerate(needed):
        yield f"mkdir {aside}/{number}; mount --bind {quote(str(path))} {aside}/{number}"
    for folder in closed:
        yield f"mount -t tmpfs -o mode=755 opened {quote(str(folder))}"
    for number, path in enumerate(needed):
        if closed.intersection(path.parents):
            yield f"mkdir -p {quote(str(path))}; mount --bind {aside}/{number} {quote(str(path))}"
    yield "mount -t tmpfs -o mode=1777 home /mnt; export HOME=/mnt TMPDIR=/mnt"
    yield 'exec "$@"'


def _is_closed(folder: Path) -> bool:
    return not folder.stat().st_mode & 0o001
