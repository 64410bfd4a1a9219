"""Priority of processes where the processor is short.

Linux weighs sessions against each other, and processes only within one (sched(7), "The autogroup feature"): `nice` alone says
nothing to the processes of another session. A machine whose kernel does not do so, or does not let us, is left as it is.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

YIELDS = 3  # about half of what a session gets that does not
FIRST = -10  # about nine times that
TRIES, PAUSE_SECONDS = 10, 0.1  # the kernel takes one such wish in a tenth of a second, unless from root


def let_others_go_first(leader: int) -> None:
    """Lower the priority of *leader*'s session, in which nothing else runs yet, below all others."""
    with suppress(ProcessLookupError):  # it has ended
        own = os.getpriority(os.PRIO_PGRP, leader)  # what yields more already may not be made to yield less
        os.setpriority(os.PRIO_PGRP, leader, max(own, YIELDS))
    _weigh(leader, YIELDS)


def go_first() -> None:
    """Raise the priority of this process as far as the machine allows.

    Only for a leader of its own session: any other process would raise its whole session.
    """
    if os.getsid(0) == os.getpid():
        _weigh(os.getpid(), FIRST)


def weight_of_session(process: int) -> Path:
    """Kernel's file with a process's session and nice value; absent where processes are weighed alone."""
    return Path(f"/proc/{process}/autogroup")


def _weigh(leader: int, nice: int) -> None:
    for _ in range(TRIES):
        try:
            weight_of_session(leader).write_text(str(nice), encoding="ascii")
        except BlockingIOError:
            time.sleep(PAUSE_SECONDS)
        except OSError:
            return
        else:
            return
