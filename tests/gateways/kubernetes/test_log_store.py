"""The log of an environment in a real API server: one chain, whoever writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from azora.config.environment import Environment
from azora.config.permissions import namespace_object
from azora.core.record.chain import broken_link, head_of
from azora.core.record.entry import entry_of, note
from azora.core.record.events import Begun, Event, Refused
from azora.errors import BadInput, Conflict, Unreachable
from azora.gateways.kubernetes import log_store
from azora.gateways.kubernetes.api import Api
from azora.gateways.kubernetes.log_store import LogStore
from azora.gateways.kubernetes.namespace import Namespace
from azora.host.writes import Moment, Write, listening
from tests.support.api_server import ApiServer, api_server
from tests.support.counting import requests_of

AT = datetime(2026, 11, 29, 9, tzinfo=UTC)
Store = Callable[[], LogStore]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture
def store(server: ApiServer, request: pytest.FixtureRequest) -> Store:
    """A store of this test's own namespace, as another process has it."""
    name = re.sub(r"[^a-z]+", "-", request.node.name.lower()).strip("-")
    api = server.api()
    api.create("/api/v1/namespaces", namespace_object(name))
    return lambda: store_of(api, name)


def store_of(api: Api, name: str) -> LogStore:
    environment = Environment.model_validate(
        {"name": "staging", "namespace": name, "hosts": {"live": "a.localhost", "preview": "b.localhost"}}
    )
    return LogStore(Namespace(api, environment, "azora"))


def append(store: LogStore, what: str = "switch", who: str = "ada", event: Event | None = None) -> None:
    store.append(note(event or Refused(what=what), at=AT, who=who), Begun)


def names(store: LogStore) -> list[str]:
    found = store.namespace.api.get(f"{store.namespace.core}/configmaps", labelSelector="azora.dev/log=true")
    return [one["metadata"]["name"] for one in found["items"]]


def test_first_entry(store: Store) -> None:
    """A log begins with an entry of its own; each append returns the head that the chain has then."""
    here = store()
    assert here.lines() == here.newest() == ()
    head = here.append(note(Refused(what="switch"), at=AT, who="ada", why="no approval"), lambda: Begun(switch=7))
    lines = store().lines()
    assert [entry_of(line).event.kind for line in lines] == ["begun", "refused"]
    assert entry_of(lines[0]).event == Begun(switch=7)
    assert head == head_of(lines)
    assert broken_link(lines, {}) is None


def test_writers_at_once(store: Store) -> None:
    """Eight writers of ten entries each make one chain of all entries."""

    def write(writer: int) -> None:
        mine = store()
        for number in range(10):
            until_taken(lambda what=f"{writer} {number}": append(mine, what))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    lines = store().lines()
    assert broken_link(lines, {}) is None
    told = {entry_of(line).event.model_dump().get("what") for line in lines[1:]}
    assert told == {f"{writer} {number}" for writer in range(8) for number in range(10)}
    assert len(lines) == 81


def until_taken(attempt: Callable[[], None]) -> None:
    """Repeat *attempt* as a task is retried."""
    for _ in range(10):
        try:
            return attempt()
        except Conflict:
            continue
    return attempt()


def test_full_object(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full object is followed by another one, also for a writer that remembers the full one."""
    monkeypatch.setattr(log_store, "FULL_BYTES", 1000)
    one, other = store(), store()
    for number in range(12):
        append(one if number % 2 else other, str(number))
    lines = store().lines()
    assert len(lines) == 13
    assert broken_link(lines, {}) is None
    assert names(one) == [f"azora-log-{number:04}" for number in range(1, 1 + len(names(one)))]
    assert len(names(one)) > 2


def test_size_of_an_object(store: Store) -> None:
    """A hundred entries of the longest texts stay far below 1 MiB an object."""
    here = store()
    for number in range(60):
        here.append(note(Refused(what=str(number)), at=AT, who="x" * 9999, why="\x1b\U0001f600" * 9999), Begun)
    items = here.namespace.api.get(f"{here.namespace.core}/configmaps", labelSelector="azora.dev/log=true")["items"]
    sizes = [sum(len(line.encode()) for line in item["data"].values()) for item in items]
    assert max(sizes) < 256 * 1024
    assert len(sizes) > 1


def test_closed_object(store: Store) -> None:
    """An object that somebody made immutable stops nobody: the next one is begun."""
    here = store()
    append(here)
    here.namespace.api.patch(f"{here.namespace.core}/configmaps/azora-log-0001", {"immutable": True})
    append(store(), "after")
    assert len(names(here)) == 2
    assert broken_link(store().lines(), {}) is None


def test_find(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest object is read first, all of them where it has nothing; one object is read once."""
    monkeypatch.setattr(log_store, "FULL_BYTES", 1000)
    here, seen = store(), requests_of(monkeypatch)
    assert here.find(entry_about("1")) is None
    append(here, "1")
    del seen[:]
    assert store().find(entry_about("2")) is None
    assert seen == ["GET configmaps", "GET azora-log-0001"]
    for number in range(2, 8):
        append(here, str(number))
    newest = names(here)[-1]
    del seen[:]
    assert store().find(entry_about("1")) == 2
    assert seen == ["GET configmaps", f"GET {newest}", "GET configmaps"]
    assert store().find(entry_about("7")) == 8


def entry_about(what: str) -> Callable[[Sequence[str]], int | None]:
    """Reader of lines: number of the entry about *what*."""

    def read(lines: Sequence[str]) -> int | None:
        entries = map(entry_of, lines)
        return next((one.number for one in entries if isinstance(one.event, Refused) and one.event.what == what), None)

    return read


def test_requests_of_an_entry(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first entry of a process costs three requests, each further one costs one."""
    append(store())
    here, seen = store(), requests_of(monkeypatch)
    append(here, "second")
    append(here, "third")
    assert seen == ["GET configmaps", "GET azora-log-0001", "PATCH azora-log-0001", "PATCH azora-log-0001"]


def test_lost_answer(store: Store) -> None:
    """An entry whose answer was lost is not added twice."""
    here = store()
    append(here)

    def cut(moment: Moment, write: Write) -> None:
        if moment == "after" and "azora-log" in write.what:
            raise Unreachable("could not read the answer")

    event = Begun(switch=3)
    with listening(cut), pytest.raises(Unreachable):
        append(here, event=event)
    append(here, event=event)
    assert len(store().lines()) == 3


def test_unreadable_entry(store: Store) -> None:
    """Nothing is added after an entry that somebody changed beyond reading; the error names the object."""
    here = store()
    append(here)
    here.namespace.api.patch(f"{here.namespace.core}/configmaps/azora-log-0001", {"data": {"00000002": "gone"}})
    with pytest.raises(BadInput, match="the last entry of azora-log-0001 cannot be read") as caught:
        append(store())
    assert "`azora verify staging`" in caught.value.advice
