"""The Lease of an environment: free or held by one's own clock, and one holder whatever races."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from azora.core.cluster.lease_expiry import FirstLook, State
from azora.errors import Conflict, LeaseLost, Refused, Unreachable
from azora.gateways.kubernetes.api import Missing, micro_time
from azora.gateways.kubernetes.lease import NAME, Lease, held

THEIRS = {"holderIdentity": "theirs", "leaseDurationSeconds": 15, "acquireTime": "a", "renewTime": "r"}
NOBODY_S = {**THEIRS, "holderIdentity": None}
NONE: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("first", "now", "seconds", "state"),
    [
        pytest.param(NONE, NONE, 0, State.FREE, id="there is none"),
        pytest.param(NOBODY_S, NOBODY_S, 0, State.FREE, id="released"),
        pytest.param(THEIRS, NOBODY_S, 0, State.FREE, id="released while looked at"),
        pytest.param(
            {**THEIRS, "holderIdentity": "ours"}, {**THEIRS, "holderIdentity": "ours"}, 0, State.FREE, id="own"
        ),
        pytest.param(THEIRS, THEIRS, 0, State.NOT_CLEAR, id="seen for the first time"),
        pytest.param(THEIRS, THEIRS, 14.9, State.NOT_CLEAR, id="not changed for less than its duration"),
        pytest.param(THEIRS, THEIRS, 15, State.FREE, id="not changed for its duration"),
        pytest.param(
            {**THEIRS, "leaseDurationSeconds": 60},
            {**THEIRS, "leaseDurationSeconds": 60},
            15,
            State.NOT_CLEAR,
            id="the duration is the one in it",
        ),
        pytest.param({"holderIdentity": "x"}, {"holderIdentity": "x"}, 15, State.FREE, id="without duration and times"),
        pytest.param(THEIRS, {**THEIRS, "renewTime": "s"}, 5, State.HELD, id="renewed"),
        pytest.param(THEIRS, {**THEIRS, "renewTime": "s"}, 99, State.HELD, id="renewed, looked at late"),
        pytest.param(THEIRS, {**THEIRS, "holderIdentity": "third"}, 5, State.HELD, id="taken by a third"),
        pytest.param(NONE, THEIRS, 0.5, State.HELD, id="made by another one in between"),
        pytest.param(NOBODY_S, THEIRS, 0.5, State.HELD, id="taken by another one in between"),
    ],
)
def test_state(first: dict[str, Any], now: dict[str, Any], seconds: float, state: State) -> None:
    """The state follows from changes and seconds of one clock; no time in the Lease is read."""
    assert FirstLook("ours", first, at_seconds=1000, usual_seconds=15).state(now, 1000 + seconds) is state


class Clock:
    """A machine's own, which moves when somebody sleeps; *meanwhile* happens then."""

    def __init__(self, meanwhile: Callable[[float], None] = lambda _: None) -> None:
        self.seconds = 0.0
        self.meanwhile = meanwhile

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.meanwhile(self.seconds)


class Api:
    """One Lease of an API server: each write has a version, and one from an old look is refused."""

    def __init__(self, spec: dict[str, Any] | None = None) -> None:
        self.version = 1
        self.lease = {"metadata": {"name": NAME, "resourceVersion": "1"}, "spec": spec} if spec else None
        self.before_a_write: list[Callable[[], None]] = []
        self.away = False

    @property
    def spec(self) -> dict[str, Any]:
        assert self.lease
        return self.lease["spec"]

    def find(self, _path: str) -> dict[str, Any] | None:
        if self.away:
            raise Unreachable("could not reach it")
        return copy.deepcopy(self.lease)

    def create(self, _path: str, body: dict[str, Any]) -> None:
        self._happens()
        if self.lease:
            raise Conflict("could not create it: it exists")
        self._keep(body["spec"])

    def replace(self, _path: str, body: dict[str, Any]) -> None:
        self._happens()
        self._compare(body)
        self._keep(body["spec"])

    def patch(self, _path: str, body: dict[str, Any]) -> None:
        self._happens()
        self._compare(body)
        self._keep(self.spec | body["spec"])

    def write(self, **spec: object) -> None:
        """Change the Lease as another holder does."""
        self._keep((self.lease or {"spec": THEIRS})["spec"] | spec)

    def _happens(self) -> None:
        if self.before_a_write:
            self.before_a_write.pop()()

    def _compare(self, body: dict[str, Any]) -> None:
        if self.lease is None:
            raise Missing("could not change it: it is not there")
        if body["metadata"].get("resourceVersion") != self.lease["metadata"]["resourceVersion"]:
            raise Conflict("could not change it: it moved")

    def _keep(self, spec: dict[str, Any]) -> None:
        self.version += 1
        self.lease = {"metadata": {"name": NAME, "resourceVersion": str(self.version)}, "spec": spec}


def lease(api: Api, holder: str = "ours", clock: Clock | None = None) -> Lease:
    namespace: Any = SimpleNamespace(api=api, name="shop", ensure=lambda: None)
    return Lease(namespace, holder, clock or Clock())


def at(minutes: float) -> str:
    return micro_time(datetime.now(UTC) + timedelta(minutes=minutes))


SKEWS = [pytest.param(-10, id="behind"), pytest.param(0, id="even"), pytest.param(10, id="ahead")]


@pytest.mark.parametrize("minutes", SKEWS)
def test_a_holder_whose_clock_differs(minutes: float) -> None:
    """A holder that renews keeps its Lease, whatever its clock; the other run is refused."""
    api = Api({**THEIRS, "renewTime": at(minutes)})
    clock = Clock(lambda seconds: api.write(renewTime=at(minutes)) if seconds % 5 == 0 else None)
    with pytest.raises(Refused, match="theirs holds the Lease"):
        lease(api, clock=clock).take()
    assert clock.seconds == 5
    assert api.spec["holderIdentity"] == "theirs"


@pytest.mark.parametrize("minutes", SKEWS)
def test_lease_of_a_killed_run(minutes: float) -> None:
    """It is taken over after its duration from the first look, whatever its holder's clock."""
    api, clock = Api({**THEIRS, "renewTime": at(minutes)}), Clock()
    lease(api, clock=clock).take()
    assert clock.seconds == 15
    assert api.spec["holderIdentity"] == "ours"


@pytest.mark.parametrize(
    ("spec", "preempt"),
    [
        pytest.param(None, False, id="none"),
        pytest.param(NOBODY_S, False, id="released"),
        pytest.param({**THEIRS, "holderIdentity": "ours"}, False, id="left by this very run"),
        pytest.param({**THEIRS, "renewTime": at(0)}, True, id="preempted"),
    ],
)
def test_lease_that_is_free(spec: dict[str, Any] | None, preempt: bool) -> None:
    """A free, own or preempted Lease is taken at once."""
    clock = Clock()
    lease(api := Api(spec), clock=clock).take(preempt=preempt)
    assert (api.spec["holderIdentity"], clock.seconds) == ("ours", 0)


@pytest.mark.parametrize(
    "spec", [pytest.param(None, id="made"), pytest.param(NOBODY_S, id="free"), pytest.param(THEIRS, id="expired")]
)
def test_lease_taken_by_two(spec: dict[str, Any] | None) -> None:
    """The first write wins; the other run looks again and is refused with the winner's name."""
    api = Api(spec)
    api.before_a_write = [lambda: lease(api, "a quicker one").take(preempt=True)]
    with pytest.raises(Refused, match="a quicker one holds the Lease"):
        lease(api).take()
    assert api.spec["holderIdentity"] == "a quicker one"


def test_lease_with_another_change() -> None:
    """A change that takes nothing, such as a label, costs one more look."""
    api = Api(NOBODY_S)
    api.before_a_write = [api.write]
    lease(api).take()
    assert api.spec["holderIdentity"] == "ours"


def test_lease_preempted_during_a_renewal() -> None:
    """A rollback wins over a renewal in the same moment."""
    api = Api(THEIRS)
    api.before_a_write = [lambda: api.write(renewTime="s")]
    lease(api).take(preempt=True)
    assert api.spec["holderIdentity"] == "ours"


@pytest.fixture
def ours() -> tuple[Api, Lease]:
    api = Api()
    held = lease(api)
    held.take()
    return api, held


def test_check_that_renews(ours: tuple[Api, Lease]) -> None:
    """Each check renews the Lease: others wait for another duration."""
    api, held = ours
    before = dict(api.spec)
    held.check()
    assert api.spec == before | {"renewTime": api.spec["renewTime"]}
    assert api.spec["renewTime"] != before["renewTime"]


def test_check_without_an_api_server(ours: tuple[Api, Lease]) -> None:
    """A holder that cannot renew writes nothing; later the Lease is still its own, or lost."""
    api, held = ours
    api.away = True
    with pytest.raises(Unreachable):
        held.check()
    api.away = False
    held.check()
    lease(api, "another one").take()
    with pytest.raises(LeaseLost, match="another one took over"):
        held.check()


@pytest.mark.parametrize("how", [Lease.check, Lease.release], ids=["check", "release"])
def test_check_after_a_takeover(ours: tuple[Api, Lease], how: Callable[[Lease], None]) -> None:
    """A Lease that is taken between look and write stays taken."""
    api, held = ours
    taken = {"holderIdentity": "another one", "renewTime": "theirs"}
    api.before_a_write = [lambda: api.write(**taken)]
    try:
        how(held)
    except LeaseLost:
        assert how is Lease.check
    assert api.spec | taken == api.spec


def test_check_during_a_renewal(ours: tuple[Api, Lease]) -> None:
    """A renewal in the background makes no check fail."""
    api, held = ours
    api.before_a_write = [lambda: api.write(renewTime="from the other thread")]
    held.check()
    assert api.spec["holderIdentity"] == "ours"


def test_check_of_a_deleted_lease(ours: tuple[Api, Lease]) -> None:
    """A deleted Lease is lost."""
    api, held = ours
    api.lease = None
    with pytest.raises(LeaseLost, match="took over"):
        held.check()


def test_lease_after_its_block() -> None:
    """The block that holds the Lease releases it."""
    api = Api()
    with held(lease(api).namespace, "ours"):
        assert api.spec["holderIdentity"] == "ours"
    assert api.spec["holderIdentity"] is None
