"""Deadline for messages to the outside: all are sent at once, for a bounded time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping


def tell_all(tellers: Mapping[str, Callable[[], str]], limit_seconds: float) -> dict[str, str]:
    """Call each of *tellers* in its own thread and wait for all until the limit.

    A slower one may still finish.

    Returns:
        Why it was not taken, by the name of each that did not take it.
    """
    troubles = dict.fromkeys(tellers, f"no answer within {limit_seconds:g} s")

    def call(name: str) -> None:
        troubles[name] = tellers[name]()

    deadline = time.monotonic() + limit_seconds
    # Daemons: the end of the process waits for none of them, as it would for an executor's.
    threads = [threading.Thread(target=call, args=(name,), daemon=True) for name in tellers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return {name: why for name, why in dict(troubles).items() if why}
