"""Events of Kubernetes for each step in a namespace: `kubectl get events -l azora.dev/run=ID`.

They are for people; nothing of Azora reads them, and the API server forgets them after a while (`--event-ttl`, an hour).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal

from azora.config.json_object import Json
from azora.core.messages.foreign_text import lines
from azora.errors import AzoraError
from azora.gateways.kubernetes.api import micro_time
from azora.gateways.kubernetes.namespace import Namespace

RUN_LABEL = "azora.dev/run"
COMPONENT = "azora"
Kind = Literal["Normal", "Warning"]

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
LABEL_LETTERS = 63
# What the API server takes: ValidateEventCreate of Kubernetes' pkg/apis/core/validation/events.go
MESSAGE_BYTES, INSTANCE_BYTES = 1024, 128


def write_event(namespace: Namespace, reason: str, message: str, *, run: str, kind: Kind = "Normal") -> str:
    """Write an Event about the live Service; *run* is a run's id, or who does it by hand.

    Returns:
        Why it was not taken, empty when it was. Nothing is raised: what was done is done.
    """
    body = event_of(namespace, reason, message, run=run, kind=kind, now=datetime.now(UTC))
    try:
        namespace.api.create(f"{namespace.core}/events", body)
    except AzoraError as error:
        return f"could not create an Event in {namespace.name}: {error.message}"
    return ""


def event_of(namespace: Namespace, reason: str, message: str, *, run: str, kind: Kind, now: datetime) -> Json:
    """Its label names the run, for `kubectl get events -l`; its time has microseconds, for their order."""
    seconds = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    service = {"apiVersion": "v1", "kind": "Service", "namespace": namespace.name, "name": namespace.live_service}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{COMPONENT}-", "labels": {RUN_LABEL: label_value(run)}},
        "involvedObject": service,
        "type": kind,
        "reason": reason,
        "action": reason,
        "message": _cut(lines(message, MESSAGE_BYTES), MESSAGE_BYTES),
        "eventTime": micro_time(now),
        "firstTimestamp": seconds,
        "lastTimestamp": seconds,
        "count": 1,
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": _cut(run, INSTANCE_BYTES) or COMPONENT,
    }


def _cut(text: str, most_bytes: int) -> str:
    return text.encode()[:most_bytes].decode(errors="ignore")


def label_value(text: str) -> str:
    """*text* as a label may have it; a run's id is so already."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:LABEL_LETTERS].strip("._-")
