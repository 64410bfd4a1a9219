"""Diagnosis of pods: when waiting is pointless, and the message about a pod that is not ready."""

from __future__ import annotations

import pytest

from azora.config.json_object import Json
from azora.core.cluster.pod_diagnosis import Deadline, complaint, message_of_line, one_of_each

RUNS: Json = {"running": {"startedAt": "2026-11-24T08:00:00Z"}}
ENDED: Json = {"terminated": {"exitCode": 1, "reason": "Error"}}
BACKS_OFF: Json = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}}
NO_IMAGE: Json = {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "r/app@sha256:1"'}}
NO_SECRET: Json = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "keys" not found'}}
STARTS: Json = {"waiting": {"reason": "ContainerCreating"}}


def pod(state: Json, *, restarts: int = 0, ready: bool = False, release: str = "new", name: str = "shop-1") -> Json:
    status = {"name": "shop", "state": state, "restartCount": restarts, "ready": ready}
    if restarts:
        status["lastState"] = ENDED
    labels = {"azora.dev/release": release, "app.kubernetes.io/component": "shop"}
    return {"metadata": {"name": name, "labels": labels}, "status": {"containerStatuses": [status]}}


@pytest.mark.parametrize(
    ("looks", "lost"),
    [
        pytest.param([(0, pod(STARTS)), (600, pod(STARTS))], False, id="starts slowly"),
        pytest.param([(0, pod(RUNS)), (600, pod(RUNS))], False, id="runs, not ready yet"),
        pytest.param(
            [(0, pod(RUNS)), (5, pod(BACKS_OFF, restarts=1)), (64, pod(BACKS_OFF, restarts=3))],
            False,
            id="its sibling is late",
        ),
        pytest.param(
            [(0, pod(RUNS)), (5, pod(BACKS_OFF, restarts=1)), (65, pod(BACKS_OFF, restarts=3))],
            True,
            id="crashes for a minute",
        ),
        pytest.param(
            [(0, pod(RUNS)), (5, pod(RUNS, restarts=1)), (90, pod(RUNS, restarts=3))],
            False,
            id="runs between two crashes",
        ),
        pytest.param(
            [(0, pod(RUNS)), (5, pod(RUNS, restarts=1)), (90, pod(BACKS_OFF, restarts=3))], True, id="and crashes again"
        ),
        pytest.param([(0, pod(RUNS)), (90, pod(RUNS, restarts=3, ready=True))], False, id="ready after all"),
        pytest.param([(0, pod(RUNS, restarts=7)), (90, pod(RUNS, restarts=7))], False, id="restarts of long ago"),
        pytest.param([(0, pod(NO_IMAGE)), (59, pod(NO_IMAGE))], False, id="the registry is away for a moment"),
        pytest.param([(0, pod(NO_IMAGE)), (60, pod(NO_IMAGE))], True, id="the image is nowhere"),
        pytest.param(
            [(0, pod(NO_IMAGE)), (9, pod(STARTS)), (70, pod(NO_IMAGE))], False, id="pulled, later failed anew"
        ),
        pytest.param([(0, pod(NO_SECRET)), (40, pod(NO_SECRET))], False, id="an operator makes its Secret"),
        pytest.param([(0, pod(NO_SECRET)), (60, pod(NO_SECRET))], True, id="nobody makes its Secret"),
        pytest.param([(0, pod({"waiting": {"reason": "InvalidImageName"}}))], True, id="what never ends"),
        pytest.param(
            [(0, pod(RUNS, release="old")), (9, pod(BACKS_OFF, restarts=9, release="old"))],
            False,
            id="of another release",
        ),
    ],
)
def test_lost_pod(looks: list[tuple[float, Json]], lost: bool) -> None:
    """A pod is lost when it crashes, cannot be pulled or lacks a Secret repeatedly."""
    deadline = Deadline("new", 60)
    seen = [deadline.lost([look], now) for now, look in looks]
    assert seen == [*([[]] * (len(looks) - 1)), ["shop-1"] if lost else []]


def test_deleted_pod() -> None:
    """A pod that is being deleted is neither lost nor reported."""
    gone = pod(BACKS_OFF, restarts=9)
    gone["metadata"]["deletionTimestamp"] = "2026-11-24T08:00:00Z"
    deadline = Deadline("new", 60)
    assert deadline.lost([pod(RUNS)], 0) == deadline.lost([gone], 1) == []
    assert complaint(gone) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(pod(RUNS, ready=True), None, id="ready"),
        pytest.param(pod({"terminated": {"exitCode": 0, "reason": "Completed"}}), None, id="its work is done"),
        pytest.param(pod(RUNS), "runs but is not ready", id="not ready"),
        pytest.param(pod(RUNS, restarts=2), "runs but is not ready, after 2 restarts", id="not ready yet again"),
        pytest.param(pod(ENDED), "ended with exit code 1 (Error)", id="ended"),
        pytest.param(pod(BACKS_OFF, restarts=2), "ended with exit code 1 (Error), 3 times", id="crashes"),
        pytest.param(pod(NO_SECRET), 'CreateContainerConfigError: secret "keys" not found', id="no Secret"),
        pytest.param(pod(STARTS), "ContainerCreating", id="starts"),
    ],
)
def test_complaint_of_a_pod(given: Json, said: str | None) -> None:
    """One line gives the reason why a pod is not ready."""
    assert complaint(given) == said


def test_complaint_of_an_unscheduled_pod() -> None:
    """A pod without a node is reported with the scheduler's message."""
    waits = pod(STARTS)
    waits["status"] = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "message": "0/1 nodes: no memory"}]}
    assert complaint(waits) == "Pending: 0/1 nodes: no memory"


def test_complaints_that_are_equal() -> None:
    """Pods with the same reason are reported once, with their number."""
    pods = [pod(NO_SECRET, name=f"shop-{number}") for number in range(3)]
    assert [(one["metadata"]["name"], count) for one, _, count in one_of_each(pods)] == [("shop-0", 3)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("ValueError: PORT is not set", "ValueError: PORT is not set", id="plain"),
        pytest.param(
            '{"@timestamp":"2026-11-24T08:00:00.000Z","log.level":"critical","message":"did not start: PORT is not set",'
            '"error":{"type":"ValueError","stack_trace":"Traceback …"},"service":{"name":"shop"}}',
            "did not start: PORT is not set (ValueError)",
            id="ECS",
        ),
        pytest.param('{"message":"ready","error":"none"}', "ready", id="other JSON with a message"),
        pytest.param('{"event":"ready"}', '{"event":"ready"}', id="other JSON"),
        pytest.param("[1, 2]", "[1, 2]", id="a list"),
        pytest.param("7", "7", id="a number"),
    ],
)
def test_message_of_a_log_line(line: str, said: str) -> None:
    """A JSON log line is shown by its message, every other line as it is."""
    assert message_of_line(line) == said
