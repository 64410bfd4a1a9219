"""A piece of a test as a user without rights, as a worker that is not root has none."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from pathlib import Path

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
