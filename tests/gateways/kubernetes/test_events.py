"""What a run leaves in the cluster's events, and that nothing fails of it."""

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
from azora.gateways.kubernetes.events import RUN_LABEL, event_of, label_value, tell
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
    """Of release 1f2e by run RUN."""
    return SimpleNamespace(
        cluster=namespace(api), delivery=SimpleNamespace(run=RUN, release=SimpleNamespace(title="1f2e (abc A title)"))
    )


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(notifications, "get_run_logger", lambda: logging.getLogger("a run"))
    return caplog


def test_an_event_is_about_the_live_service_and_names_its_run() -> None:
    event = event_of(namespace(Api()), "Switch", "users go to blue", run=RUN, kind="Normal", now=AT)
    assert event["metadata"] == {"generateName": "azora-", "labels": {RUN_LABEL: RUN}}
    assert event["involvedObject"] == {
        "apiVersion": "v1", "kind": "Service", "namespace": "shop-staging", "name": "shop",
    }  # fmt: skip
    assert (event["reportingComponent"], event["reportingInstance"]) == ("azora", RUN)
    assert (event["type"], event["reason"], event["message"]) == ("Normal", "Switch", "users go to blue")


def test_its_times_are_as_kubernetes_writes_them() -> None:
    event = event_of(namespace(Api()), "Switch", "", run=RUN, kind="Normal", now=AT)
    assert event["eventTime"] == "2026-11-24T09:30:07.000000Z"
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-11-24T09:30:07Z"


def test_what_is_longer_than_the_api_takes_is_cut() -> None:
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
def test_who_did_it_is_a_label(by: str, value: str) -> None:
    assert label_value(by) == value


def test_an_event_is_made_in_the_namespace_of_the_environment() -> None:
    api = Api()
    assert tell(namespace(api), "Rollback", "back", run="ada") == ""
    ((path, _),) = api.made
    assert path == "/api/v1/namespaces/shop-staging/events"


def test_a_right_that_is_missing_is_a_sentence() -> None:
    said = tell(namespace(Api(refuses=True)), "Rollback", "back", run="ada")
    assert said == "no Event in shop-staging: could not create one of events: forbidden"


def test_a_step_that_was_taken_is_an_event(warned: pytest.LogCaptureFixture) -> None:
    api = Api()
    with notifications.step(promotion(api), Step.INSTALL_PREVIEW):
        assert api.made == []
    ((_, event),) = api.made
    assert (event["type"], event["reason"]) == ("Normal", "InstallPreview")
    assert event["message"] == "install the preview stack: 1f2e (abc A title)"
    assert event["metadata"]["labels"] == {RUN_LABEL: RUN}
    assert not warned.records


def test_a_step_that_failed_is_a_warning_event_and_still_fails(warned: pytest.LogCaptureFixture) -> None:
    api = Api()
    with pytest.raises(CheckFailed), notifications.step(promotion(api), Step.WATCH):
        raise CheckFailed("could not keep it: 3 requests failed", advice="fix it")
    ((_, event),) = api.made
    assert (event["type"], event["reason"]) == ("Warning", "Watch")
    assert event["message"] == "watch the new color failed: could not keep it: 3 requests failed"
    assert not warned.records


def test_a_step_does_not_fail_of_its_event(warned: pytest.LogCaptureFixture) -> None:
    with notifications.step(promotion(Api(refuses=True)), Step.SWITCH):
        pass
    (record,) = warned.records
    assert record.levelname == "WARNING"
    assert "no Event in shop-staging" in record.getMessage()


@pytest.mark.parametrize("kind", ["switch", "rollback"])
def test_users_moved_by_hand_are_an_event_of_who_moved_them(
    kind: Literal["switch", "rollback"], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api()
    cluster = namespace(api)
    monkeypatch.setattr(cluster, "write_record", lambda **_: None, raising=False)
    monkeypatch.setattr(rollback, "held", lambda *_, **__: nullcontext())
    moved = Switch(number=7, at=AT, kind=kind, came_from=Color.BLUE, to=Color.GREEN, release="1f2e", by="ada")
    monkeypatch.setattr(rollback, "_switched", lambda *_: moved)
    rollback.point_at(cluster, Color.GREEN, by="ada", kind=kind)  # type: ignore[arg-type]
    ((_, event),) = api.made
    assert event["reason"] == kind.capitalize()
    assert event["message"] == "users go from blue to green: release 1f2e (switch 7)"
    assert event["metadata"]["labels"] == {RUN_LABEL: "ada"}
