"""Clusters without an API server: what was written is remembered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from azora.config.environment import Environment, load_environment
from azora.config.settings import ROOT
from azora.core.cluster.record import Switch
from azora.core.cluster.run_counts import Ending
from azora.core.cluster.state import Stack, World
from azora.core.record.chain import Head, head_of
from azora.core.record.entry import Note, entry_of, line_after
from azora.core.record.events import Event
from azora.core.release.delivery import Delivery
from azora.core.release.migrations import Migration
from azora.errors import Conflict, Unreachable
from azora.gateways.kubernetes.built_images import BuiltImages
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.log_store import Found
from azora.gateways.kubernetes.namespace import Namespace
from azora.gateways.kubernetes.record_store import RECORD, RecordStore, run_counts_of
from azora.operations.promotion.context import Context
from tests.support.releases import BASE

STAGING = load_environment("staging", ROOT / "deployments/environments")


class ConfigMaps:
    """Just enough of an API server: a namespace and its ConfigMaps. A key that was removed stays, as None."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, str | None]] = {RECORD: {}}

    def find(self, path: str) -> dict[str, Any] | None:
        if "/configmaps/" not in path:
            return {}
        found = self.objects.get(path.rpartition("/")[2])
        if found is None:
            return None
        data = {key: text for key, text in found.items() if text is not None}
        return {"metadata": {"resourceVersion": "1"}, "data": data}

    def create(self, _path: str, body: dict[str, Any]) -> None:
        self.objects[body["metadata"].get("name", body["kind"])] = {}

    def patch(self, path: str, body: dict[str, Any]) -> None:
        self.objects[path.rpartition("/")[2]].update(body["data"])


def record_of_images() -> BuiltImages:
    """An empty record of built images."""
    return BuiltImages(RecordStore(Namespace(cast(Any, ConfigMaps()), STAGING, "shop")))


class RememberedLog:
    """A log without an API server; *error* is what each further entry meets."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.error: Exception | None = None

    def lines(self) -> tuple[str, ...]:
        return tuple(self.written)

    newest = lines

    def find(self, read: Callable[[tuple[str, ...]], Found | None]) -> Found | None:
        return read(self.lines())

    @property
    def events(self) -> list[Event]:
        return [entry_of(line).event for line in self.written]

    def append(self, added: Note, first: Callable[[], Event]) -> Head:
        if self.error:
            raise self.error
        if not self.written:
            self.written.append(line_after(None, added.model_copy(update={"event": first(), "why": ""})))
        if not added.is_in(self.written):
            self.written.append(line_after(self.written[-1], added))
        return head_of(self.written)


class Remembered(Cluster):
    """A namespace that is what the test says, and keeps what would be written."""

    def __init__(self, world: World, environment: Environment = STAGING, api: ConfigMaps | None = None) -> None:
        self.stored = api or ConfigMaps()
        super().__init__(Namespace(cast(Any, self.stored), environment, "azora"))
        self.world = world
        self.written = self.stored.objects[RECORD]
        self.moved: list[Switch] = []
        self.log = RememberedLog()  # type: ignore[assignment]

    def look(self) -> World:
        return self.world

    def switch(self, world: World, entry: Switch, head: Head | None = None) -> None:  # noqa: ARG002 - the compare-and-swap is the cluster's
        self.moved.append(entry)

    def keep_head(self, head: Head) -> None: ...

    def marks(self) -> tuple[tuple[Switch, ...], str]:
        return self.world.switches, ""

    def point_preview_at(self, stack: Stack) -> None: ...


def context_for(cluster: Cluster, *migrations: Migration) -> Context:
    delivery = Delivery(
        BASE.model_copy(update={"migrations": migrations}), cast(Any, None), STAGING, ROOT, lambda: ROOT, {}, "run"
    )
    return Context(delivery, cluster, cast(Any, None), cast(Any, None))


class Remembering:
    """Minimal API server: a namespace and one ConfigMap.

    Patches are refused while somebody else writes.
    """

    def __init__(self, others: int = 0, *, namespace: bool = True) -> None:
        self.data: dict[str, str] = {}
        self.version = 1
        self.others = others
        self.namespace = namespace

    def find(self, _path: str) -> dict[str, Any] | None:
        return {"metadata": {"resourceVersion": str(self.version)}, "data": self.data} if self.namespace else None

    def patch(self, _path: str, body: dict[str, Any]) -> None:
        if self.others:
            self.others -= 1
            self.version += 1
            self.data["tally"] = run_counts_of(self.data).after_run(GOOD).model_dump_json()
        if body.get("metadata", {}).get("resourceVersion", str(self.version)) != str(self.version):
            raise Conflict("could not change it: it moved")
        changed = self.data | body["data"]
        self.data = {key: value for key, value in changed.items() if value is not None}


def record_of(api: Remembering) -> RecordStore:
    hosts = {"live": "a.localhost", "preview": "b.localhost"}
    environment = Environment.model_validate({"name": "staging", "namespace": "azora-staging", "hosts": hosts})
    return RecordStore(Namespace(cast(Any, api), environment, "azora"))


class Seen:
    """A cluster that shows this world, or does not answer."""

    def __init__(self, world: World | None) -> None:
        self.world = world

    def look(self) -> World:
        if self.world is None:
            raise Unreachable("could not reach it")
        return self.world


GOOD = Ending(flow="nightly", result="completed", went_well=True, at=datetime(2026, 11, 24, 2, 30, tzinfo=UTC))
