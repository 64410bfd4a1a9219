"""Why the pods of a stack are not ready, in their own words."""

from __future__ import annotations

from collections.abc import Iterable

from azora.config.json_object import Json
from azora.core.cluster.pod_diagnosis import message_of_line, one_of_each, runs_unready, was_started_anew
from azora.core.colors import RELEASE_LABEL, Color
from azora.errors import AzoraError
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.namespace import Namespace


def troubles(cluster: Cluster, color: Color, release: str) -> list[str]:
    """Errors of pods of *release* in *color*: a line for each, followed by the last lines of a log."""
    pods = [pod for pod in cluster.pods(color) if pod["metadata"]["labels"].get(RELEASE_LABEL) == release]
    return [line for pod, said, count in one_of_each(pods) for line in _trouble(cluster.namespace, pod, said, count)]


def _trouble(namespace: Namespace, pod: Json, said: str, count: int) -> Iterable[str]:
    name = pod["metadata"]["name"]
    warning = _last_warning(namespace, name) if runs_unready(pod) else ""
    others = f" ({count - 1} more like it)" if count > 1 else ""
    yield f"{name}{others}: {said}{warning and f': {warning}'}"
    crashed = was_started_anew(pod) or not runs_unready(pod)
    shown = 5 if crashed else 2  # who crashed says why; who runs says the same again and again
    yield from (f"    | {line}" for line in _last_lines(namespace, name, shown, before=was_started_anew(pod)))


def _last_warning(namespace: Namespace, pod: str) -> str:
    """Last warning event of *pod*: which probe failed, and how."""
    try:
        events = namespace.api.get(
            f"{namespace.core}/events", fieldSelector=f"involvedObject.name={pod},type=Warning", limit="50"
        )["items"]
    except AzoraError:
        return ""
    return str(events[-1].get("message", "")) if events else ""


def _last_lines(namespace: Namespace, pod: str, count: int, *, before: bool) -> list[str]:
    """End of the pod's log, each sentence once; of the run *before* this one after a restart."""
    try:
        log = namespace.api.text(f"{namespace.core}/pods/{pod}/log", tailLines=str(count), previous=str(before).lower())
    except AzoraError:  # a pod that never started has no log
        return []
    return list(dict.fromkeys(message_of_line(line) for line in log.splitlines() if line.strip()))
