"""Events of a run in the cluster; nothing fails because of them."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from azora.config.environment import Environment, Hosts
from azora.core.cluster.record import Switch
from azora.core.colors import Color
from azora.core.promotion.next_step import Step
from azora.errors import CheckFailed, Refused
from azora.gateways.kubernetes.events import RUN_LABEL, event_of, label_value, write_event
from azora.gateways.kubernetes.namespace import Namespace
from azora.operations import rollback
from tasks import notifications

RUN = "0fb5bc5d-90e8-4bc5-8a4f-0d0b4c3f2a11"
AT = datetime(2026, 11, 24, 9, 30, 7, tzinfo=UTC)
SHOP = Environment(name="staging", namespace="shop-staging", hosts=Hosts(live="shop", preview="next.shop"))


class Api:
    """Keeps what is created, or refuses it."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.made: list[tuple[str, dict[str, Any]]] = []

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if self.refuses:
            raise Refused("could not create one of events: forbidden")
        self.made.append((path, body))
        return body


def namespace(api: Api) -> Namespace:
    return Namespace(api, SHOP, "shop")  # type: ignore[arg-type]


def promotion(api: Api) -> Any:
    """Promotion of release 1f2e by run RUN."""
    return SimpleNamespace(
        cluster=SimpleNamespace(namespace=namespace(api)),
        delivery=SimpleNamespace(run=RUN, release=SimpleNamespace(title="1f2e (abc A title)")),
    )


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(notifications, "get_run_logger", lambda: logging.getLogger("a run"))
    return caplog


def test_event() -> None:
    """The Event is about the live Service and names its run."""
    event = event_of(namespace(Api()), "Switch", "users go to blue", run=RUN, kind="Normal", now=AT)
    assert event["metadata"] == {"generateName": "azora-", "labels": {RUN_LABEL: RUN}}
    assert event["involvedObject"] == {
        "apiVersion": "v1", "kind": "Service", "namespace": "shop-staging", "name": "shop",
    }  # fmt: skip
    assert (event["reportingComponent"], event["reportingInstance"]) == ("azora", RUN)
    assert (event["type"], event["reason"], event["message"]) == ("Normal", "Switch", "users go to blue")


def test_event_times() -> None:
    """The times have the formats of Kubernetes."""
    event = event_of(namespace(Api()), "Switch", "", run=RUN, kind="Normal", now=AT)
    assert event["eventTime"] == "2026-11-24T09:30:07.000000Z"
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-11-24T09:30:07Z"


def test_event_with_long_texts() -> None:
    """Texts are cut to the API's limits, in bytes."""
    event = event_of(namespace(Api()), "Prove", "…" * 5000, run="y" * 500, kind="Warning", now=AT)
    assert (event["message"], event["reportingInstance"]) == ("…" * 341, "y" * 128)  # bytes: 3 a letter, 1024 in all
    assert len(event["metadata"]["labels"][RUN_LABEL]) == 63


@pytest.mark.parametrize(
    ("by", "value"),
    [
        pytest.param(RUN, RUN, id="a run"),
        pytest.param("ada", "ada", id="a person"),
        pytest.param(
            "Ada Lovelace <ada@example.test>", "Ada-Lovelace-ada-example.test", id="letters that no label has"
        ),
        pytest.param("…", "", id="none is left"),
    ],
)
def test_event_label(by: str, value: str) -> None:
    """The run or the person is a valid label."""
    assert label_value(by) == value


def test_event_namespace() -> None:
    """The Event is created in the environment's namespace."""
    api = Api()
    assert write_event(namespace(api), "Rollback", "back", run="ada") == ""
    ((path, _),) = api.made
    assert path == "/api/v1/namespaces/shop-staging/events"


def test_event_without_the_right() -> None:
    """A missing right is one sentence and no error."""
    said = write_event(namespace(Api(refuses=True)), "Rollback", "back", run="ada")
    assert said == "could not create an Event in shop-staging: could not create one of events: forbidden"


def test_event_of_a_step(warned: pytest.LogCaptureFixture) -> None:
    """A finished step is a Normal Event."""
    api = Api()
    with notifications.step(promotion(api), Step.INSTALL_PREVIEW):
        assert api.made == []
    ((_, event),) = api.made
    assert (event["type"], event["reason"]) == ("Normal", "InstallPreview")
    assert event["message"] == "install preview: 1f2e (abc A title)"
    assert event["metadata"]["labels"] == {RUN_LABEL: RUN}
    assert not warned.records


def test_event_of_a_failed_step(warned: pytest.LogCaptureFixture) -> None:
    """A failed step is a Warning Event, and its error is raised."""
    api = Api()
    with pytest.raises(CheckFailed), notifications.step(promotion(api), Step.WATCH):
        raise CheckFailed("could not keep it: 3 requests failed", advice="fix it")
    ((_, event),) = api.made
    assert (event["type"], event["reason"]) == ("Warning", "Watch")
    assert event["message"] == "watch and smoke failed: could not keep it: 3 requests failed"
    assert not warned.records


def test_event_that_fails(warned: pytest.LogCaptureFixture) -> None:
    """A step with an Event that fails goes on with one warning."""
    with notifications.step(promotion(Api(refuses=True)), Step.SWITCH):
        pass
    (record,) = warned.records
    assert record.levelname == "WARNING"
    assert "could not create an Event in shop-staging" in record.getMessage()


@pytest.mark.parametrize("kind", ["switch", "rollback"])
def test_event_of_a_manual_switch(kind: Literal["switch", "rollback"], monkeypatch: pytest.MonkeyPatch) -> None:
    """A manual switch or rollback is an Event with the person's name."""
    api = Api()
    cluster: Any = SimpleNamespace(namespace=namespace(api), record=SimpleNamespace(write=lambda **_: None))
    monkeypatch.setattr(rollback, "held", lambda *_, **__: nullcontext())
    moved = Switch(number=7, at=AT, kind=kind, came_from=Color.BLUE, to=Color.GREEN, release="1f2e", by="ada")
    monkeypatch.setattr(rollback, "_switched", lambda *_, **__: moved)
    rollback.point_at(cluster, Color.GREEN, by="ada", kind=kind)
    ((_, event),) = api.made
    assert event["reason"] == kind.capitalize()
    assert event["message"] == "users switch from blue to green: release 1f2e (switch 7)"
    assert event["metadata"]["labels"] == {RUN_LABEL: "ada"}
