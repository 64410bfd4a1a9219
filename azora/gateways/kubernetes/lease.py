"""Lease of an environment: one promotion at a time.

It is renewed while held, and taken over after expiry or by a rollback.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Protocol

from tenacity import retry, retry_if_exception_type, stop_after_attempt

from azora.config.json_object import Json
from azora.core.cluster.lease_expiry import FirstLook, State
from azora.errors import AzoraError, Conflict, LeaseLost, Refused
from azora.gateways.kubernetes.api import micro_time
from azora.gateways.kubernetes.namespace import Namespace
from azora.host.retry import retried

NAME = "azora-promotion"
DURATION = timedelta(seconds=15)  # a Lease that nobody renews for so long is free
LOOK_SECONDS = 0.5
TRIES = 5


class Clock(Protocol):
    """The machine's own: `time`, but for tests."""

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, /) -> None: ...


class Lease:
    """Held by *holder*; `check` before each write says whether it still is."""

    def __init__(self, namespace: Namespace, holder: str, clock: Clock = time) -> None:
        self.namespace = namespace
        self.holder = holder
        self._clock = clock
        self._leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace.name}/leases"
        self._path = f"{self._leases}/{NAME}"
        self._first: FirstLook | None = None
        self._stop = threading.Event()

    def take(self, *, preempt: bool = False) -> None:
        """Become the holder, also of one that a killed run left: its duration is waited for, by the own clock.

        Of several that take it at the same time one wins; the others look again.

        Raises:
            Refused: another one holds it, and renewed or took it meanwhile.
        """
        while not self._taken(preempt=preempt):
            self._clock.sleep(LOOK_SECONDS)

    def _taken(self, *, preempt: bool) -> bool:
        """Take it and return True; False where it has to be looked at again."""
        found = self.namespace.api.find(self._path)
        if not (preempt or self._is_free((found or {}).get("spec") or {})):
            return False
        with suppress(Conflict):
            self._write(found)
            return True
        return False

    def _is_free(self, spec: Json) -> bool:
        now = self._clock.monotonic()
        self._first = self._first or FirstLook(self.holder, spec, now, DURATION.total_seconds())
        state = self._first.state(spec, now)
        if state is State.HELD:
            raise Refused(
                f"could not promote in {self.namespace.name}: {spec['holderIdentity']} holds the Lease",
                advice="wait until that run finishes",
            )
        return state is State.FREE

    def _write(self, found: Json | None) -> None:
        """Raises Conflict when somebody wrote it since it was *found*, or was not."""
        if found is None:
            made: Json = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": NAME}}
            self.namespace.api.create(self._leases, made | {"spec": self._spec()})
        else:
            self.namespace.api.replace(self._path, found | {"spec": self._spec()})

    def check(self) -> None:
        """Renew the Lease; a holder whose renewals failed writes nothing before one succeeds.

        Raises:
            LeaseLost: another one took it.
        """
        self._change({"renewTime": micro_time(datetime.now(UTC))})

    def release(self) -> None:
        """Give it back when it is still ours; where that cannot be told, it expires."""
        with suppress(AzoraError):
            self._change({"holderIdentity": None})

    @retry(retry=retry_if_exception_type(Conflict), stop=stop_after_attempt(TRIES), reraise=True)
    def _change(self, spec: Json) -> None:
        """Change the Lease as it is read, which must be ours: another one that takes it in between keeps it."""
        found = self.namespace.api.find(self._path) or {}
        other = (found.get("spec") or {}).get("holderIdentity")
        if other != self.holder:
            raise LeaseLost(
                f"could not go on in {self.namespace.name}: {other or 'another holder'} took over the Lease",
                advice="a rollback or a newer promotion preempted this one; see `azora status`",
            )
        version = {"resourceVersion": found["metadata"]["resourceVersion"]}
        self.namespace.api.patch(self._path, {"metadata": version, "spec": spec})

    def renew_until_stopped(self) -> None:
        while not self._stop.wait(DURATION.total_seconds() / 3):
            try:
                self.check()
            except LeaseLost:
                return
            except AzoraError:
                continue

    def stop(self) -> None:
        self._stop.set()

    def _spec(self) -> Json:
        now = micro_time(datetime.now(UTC))
        seconds = int(DURATION.total_seconds())
        return {"holderIdentity": self.holder, "leaseDurationSeconds": seconds, "acquireTime": now, "renewTime": now}


@contextmanager
def held(namespace: Namespace, holder: str, *, preempt: bool = False) -> Iterator[Lease]:
    """Hold the Lease of the namespace for the block, renewing it in the background."""
    lease = Lease(namespace, holder)
    _taken(lease, preempt=preempt)
    renewer = threading.Thread(target=lease.renew_until_stopped, daemon=True, name=f"lease {namespace.name}")
    renewer.start()
    try:
        yield lease
    finally:
        lease.stop()
        lease.release()


@retried
def _taken(lease: Lease, *, preempt: bool) -> None:
    lease.namespace.ensure()
    lease.take(preempt=preempt)
