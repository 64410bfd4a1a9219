"""The environment's Lease: one promotion at a time; renewed while held, taken over when its holder is gone or preempted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from azora.errors import AzoraError, LeaseLost, Refused
from azora.gateways.api import Json, micro_time
from azora.gateways.cluster import Cluster
from azora.gateways.patience import patient

NAME = "azora-promotion"
DURATION = timedelta(seconds=15)
LOOK_SECONDS = 0.5


class Lease:
    """Held by *holder*; `check` before each write says whether it still is."""

    def __init__(self, cluster: Cluster, holder: str) -> None:
        self.cluster = cluster
        self.holder = holder
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{cluster.namespace}/leases"
        self._stop = threading.Event()

    def take(self, *, preempt: bool = False) -> None:
        """Become the holder, also of one that a killed run left: that is waited for until it is free.

        Raises:
            Refused: another one holds it, and renewed it meanwhile.
        """
        found = self.cluster.api.find(f"{self._path}/{NAME}")
        if found is None:
            body = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": NAME},
                "spec": self._spec(),
            }
            self.cluster.api.create(self._path, body)
            return
        if not preempt:
            found = self._free(found)
        found["spec"] = self._spec()
        self.cluster.api.replace(f"{self._path}/{NAME}", found)

    def _free(self, found: Json) -> Json:
        """The Lease as it is once nobody holds it. One that is alive renews it three times as often as it would be lost."""
        known = (found.get("spec") or {}).get("renewTime")
        while (other := held_by(found, datetime.now(UTC))) not in {None, self.holder}:
            if found["spec"]["renewTime"] != known:
                raise Refused(
                    f"could not promote in {self.cluster.namespace}: {other} is doing so", advice="wait until it ends"
                )
            time.sleep(LOOK_SECONDS)
            found = self.cluster.api.get(f"{self._path}/{NAME}")
        return found

    def check(self) -> None:
        """Raises LeaseLost when another one took it."""
        other = (self.cluster.api.find(f"{self._path}/{NAME}") or {}).get("spec", {}).get("holderIdentity")
        if other != self.holder:
            raise LeaseLost(
                f"could not go on in {self.cluster.namespace}: {other or 'somebody'} took over",
                advice="a rollback or a newer promotion preempted this one; see `azora status`",
            )

    def release(self) -> None:
        """Give it back when it is still ours; where that cannot be told, it expires."""
        try:
            self.check()
            self.cluster.api.patch(f"{self._path}/{NAME}", {"spec": {"holderIdentity": None}})
        except AzoraError:
            return

    def renew_until_stopped(self) -> None:
        while not self._stop.wait(DURATION.total_seconds() / 3):
            try:
                self.check()
                self.cluster.api.patch(f"{self._path}/{NAME}", {"spec": {"renewTime": micro_time(datetime.now(UTC))}})
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
def held(cluster: Cluster, holder: str, *, preempt: bool = False) -> Iterator[Lease]:
    """Hold the Lease of the namespace for the block, renewing it in the background."""
    lease = Lease(cluster, holder)
    _taken(lease, preempt=preempt)
    renewer = threading.Thread(target=lease.renew_until_stopped, daemon=True, name=f"lease {cluster.namespace}")
    renewer.start()
    try:
        yield lease
    finally:
        lease.stop()
        lease.release()


@patient
def _taken(lease: Lease, *, preempt: bool) -> None:
    lease.cluster.ensure_namespace()
    lease.take(preempt=preempt)


def held_by(lease: Json, now: datetime) -> str | None:
    """Who holds *lease* now; None when nobody does or the holder stopped renewing."""
    spec = lease.get("spec") or {}
    holder, renewed = spec.get("holderIdentity"), spec.get("renewTime")
    if not holder or not renewed:
        return None
    return (
        holder
        if now - datetime.fromisoformat(renewed) < timedelta(seconds=spec.get("leaseDurationSeconds", 15))
        else None
    )
