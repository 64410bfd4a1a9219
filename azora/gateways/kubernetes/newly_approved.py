"""Approvals that the API server has not read yet: what it refuses for want of them is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from azora.core.gate.marks import Gate
from azora.core.gate.refusal import items_in
from azora.errors import PermanentError
from azora.gateways.kubernetes.approved_store import approved_of
from azora.gateways.kubernetes.namespace import Namespace

SECONDS, EVERY_SECONDS = 20.0, 0.5  # a policy reads a changed ConfigMap within some seconds

Done = TypeVar("Done")


class Clock(Protocol):
    """The machine's own: `time`, but for tests."""

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, /) -> None: ...


def once_read(namespace: Namespace, act: Callable[[], Done], clock: Clock = time) -> Done:
    """Result of *act*, which is repeated for 20 s while approvals that count are refused.

    Raises:
        PermanentError: the one of *act*, at once where `azora-approved` lacks an approval.
    """
    deadline = clock.monotonic() + SECONDS
    while True:
        try:
            return act()
        except PermanentError as error:
            if clock.monotonic() >= deadline or not _all_count(namespace, items_in(error.message)):
                raise
        clock.sleep(EVERY_SECONDS)


def _all_count(namespace: Namespace, items: tuple[str, ...]) -> bool:
    """Return True when each of *items*, and there is one, has the approvals that it needs."""
    if not items:
        return False
    marks = Gate.of(namespace.api.find(namespace.core)).marks
    return marks is not None and marks.minimum > 0 and not approved_of(namespace).missing(items, marks.minimum)
