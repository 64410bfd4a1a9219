"""Diagnosis of pods: why one is not ready, and when waiting for it is pointless."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from azora.config.json_object import Json
from azora.core.colors import COMPONENT_LABEL, RELEASE_LABEL

SHOWN_LETTERS = 400

# What the kubelet says of a container that it cannot start. The first ones may be over in a moment: an operator makes the
# Secret, the registry answers again, the sibling is up. The others never are.
_MAY_END = {
    "ErrImagePull",
    "ImagePullBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "CrashLoopBackOff",
}
_NEVER_ENDS = {"ErrImageNeverPull", "InvalidImageName"}


class Deadline:
    """Looks at the pods of *release* as they come up, again and again, and says when waiting is pointless.

    A container that does not start, or that ends and is started anew, may do so for *patience_seconds*.
    What happened before the first look does not count.
    """

    def __init__(self, release: str, patience_seconds: float) -> None:
        self._release = release
        self._patience = patience_seconds
        self._restarts: dict[tuple[str, str], int] = {}
        self._since: dict[tuple[str, str], float] = {}

    def lost(self, pods: Iterable[Json], now: float) -> list[str]:
        """Names of the pods that will not come up; *now* in seconds, of any clock."""
        mine = [pod for pod in pods if pod["metadata"]["labels"].get(RELEASE_LABEL) == self._release]
        return [_name(pod) for pod in mine if not _is_gone(pod) and self._is_lost(pod, now)]

    def _is_lost(self, pod: Json, now: float) -> bool:
        lost = [self._will_not_start(_name(pod), status, now) for status in _statuses(pod)]  # each is remembered
        return any(lost)

    def _will_not_start(self, pod: str, status: Json, now: float) -> bool:
        key = (pod, status["name"])
        restarts = status.get("restartCount", 0) - self._restarts.setdefault(key, status.get("restartCount", 0))
        reason = _waiting(status).get("reason")
        if reason in _NEVER_ENDS:
            return True
        if status.get("ready") or (reason not in _MAY_END and not restarts):
            self._since.pop(key, None)
            return False
        patient = now - self._since.setdefault(key, now) < self._patience
        return reason in _MAY_END and not patient  # one that runs may be ready in a moment


def complaint(pod: Json) -> str | None:
    """Reason why *pod* is not ready, in one line; None when it is ready, finished or terminating."""
    if _is_gone(pod):
        return None
    statuses = _statuses(pod)
    if not statuses:
        return _shortened(f"{pod['status'].get('phase', 'Pending')}: {_conditions(pod)}")
    said = [_words(status) for status in statuses if not status.get("ready")]
    return _shortened("; ".join(filter(None, said))) or None


def one_of_each(pods: Iterable[Json]) -> Iterator[tuple[Json, str, int]]:
    """Pods with errors; equal errors of one component appear once, with the number of pods."""
    found: dict[tuple[str, str], list[Json]] = {}
    for pod in pods:
        if said := complaint(pod):
            component = pod["metadata"]["labels"].get(COMPONENT_LABEL, "")
            found.setdefault((component, said.replace(_name(pod), "")), []).append(pod)
    for same in found.values():
        yield same[0], complaint(same[0]) or "", len(same)


def message_of_line(line: str) -> str:
    """Text of a log line for people: the message and the kind of error of a line in JSON.

    The names are those of the Elastic Common Schema, https://www.elastic.co/docs/reference/ecs.
    """
    try:
        found = json.loads(line)
    except ValueError:
        return line
    if not isinstance(found, dict) or "message" not in found:
        return line
    error = found.get("error")
    kind = f" ({error['type']})" if isinstance(error, dict) and "type" in error else ""
    return f"{found['message']}{kind}"


def was_started_anew(pod: Json) -> bool:
    """Return True when a container of *pod* restarted and runs again: its previous log is worth reading."""
    return any(status.get("restartCount") and "running" in (status.get("state") or {}) for status in _statuses(pod))


def runs_unready(pod: Json) -> bool:
    """Return True when *pod* runs and is not ready: the cluster's events name the failed probe."""
    return any(not status.get("ready") and "running" in (status.get("state") or {}) for status in _statuses(pod))


def _words(status: Json) -> str:
    waiting = _waiting(status)
    if waiting and waiting.get("reason") != "CrashLoopBackOff":
        return f"{waiting.get('reason', 'waits')}: {waiting.get('message', '')}".rstrip(": ")
    ended = _ended(status)
    if ended and ended.get("exitCode") == 0 and not waiting:
        return ""
    restarts = status.get("restartCount", 0)
    if ended and not _is_running(status):
        times = f", {restarts + 1} times" if restarts else ""
        return f"ended with exit code {ended.get('exitCode')} ({ended.get('reason', 'Error')}){times}"
    return "runs but is not ready" + (f", after {restarts} restarts" if restarts else "")


def _ended(status: Json) -> Json:
    now: Json = (status.get("state") or {}).get("terminated") or {}
    before: Json = (status.get("lastState") or {}).get("terminated") or {}
    return now or before


def _waiting(status: Json) -> Json:
    return (status.get("state") or {}).get("waiting") or {}


def _is_running(status: Json) -> bool:
    return "running" in (status.get("state") or {})


def _is_gone(pod: Json) -> bool:
    return "deletionTimestamp" in pod["metadata"] or pod["status"].get("phase") == "Succeeded"


def _statuses(pod: Json) -> list[Json]:
    return [
        *(pod["status"].get("initContainerStatuses") or []),
        *(pod["status"].get("containerStatuses") or []),
    ]


def _conditions(pod: Json) -> str:
    conditions: list[Json] = pod["status"].get("conditions") or []
    return "; ".join(c["message"] for c in conditions if c.get("message")) or "not started yet"


def _name(pod: Json) -> str:
    return str(pod["metadata"]["name"])


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]} …"
