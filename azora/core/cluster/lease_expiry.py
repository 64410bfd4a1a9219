"""Expiry of a Lease by the local clock: seconds since its last change was seen.

client-go's leader election counts the same way.

The times in a Lease are another machine's and are for people: nothing is compared with them.
https://github.com/kubernetes/client-go/blob/v0.36.3/tools/leaderelection/leaderelection.go
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

Spec = Mapping[str, Any]


class State(Enum):
    FREE = auto()
    HELD = auto()
    NOT_CLEAR = auto()  # its holder may live or not: look again


@dataclass(frozen=True)
class FirstLook:
    """Lease as *holder* first saw it, at `at_seconds` of its monotonic clock; no spec: no Lease existed.

    A Lease that does not say for how long it holds does so for `usual_seconds`.
    """

    holder: str
    spec: Spec
    at_seconds: float
    usual_seconds: float

    def state(self, now: Spec, now_seconds: float) -> State:
        """State of a Lease that is *now* so: a holder that lives renews it several times within its duration."""
        if now.get("holderIdentity") in {None, "", self.holder}:
            return State.FREE
        if now != self.spec:
            return State.HELD
        duration = now.get("leaseDurationSeconds") or self.usual_seconds
        return State.FREE if now_seconds - self.at_seconds >= duration else State.NOT_CLEAR
