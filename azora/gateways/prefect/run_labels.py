"""The facts of a run that never change, and its requests for approval: labels of the run itself.

Whoever resumes a run, on whatever machine, reads them there; nothing of a run is read back from a local disk.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from azora.core.messages.nightly import Labels
from azora.core.promotion.approval import Request
from azora.core.release.release import Release
from azora.errors import Failed
from azora.gateways.prefect.client import connected
from azora.gateways.prefect.nightly_runs import COMMIT_LABEL

RELEASE_LABEL, IMAGES_LABEL, REQUEST_LABEL = "azora.dev/release", "azora.dev/images", "azora.dev/request"


@dataclass(frozen=True)
class Facts:
    """`commit` and `release` are empty until they are fixed; `images` are references by digest, by name."""

    commit: str = ""
    release: str = ""
    images: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stored:
    """An answer in JSON, and when it was given."""

    text: str
    at: datetime


_IMAGES: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


def facts_of(run: str) -> Facts:
    """The commit and the release of *run*, as far as they are fixed."""
    return facts_in(_labels(run))


def facts_in(labels: Labels) -> Facts:
    """Facts in the *labels* of a run; empty where none are Azora's."""
    try:
        images = _IMAGES.validate_json(str(labels.get(IMAGES_LABEL, "{}")))
    except ValidationError:
        images = {}
    return Facts(str(labels.get(COMMIT_LABEL, "")), str(labels.get(RELEASE_LABEL, "")), images)


def fix_commit(run: str, sha: str) -> None:
    """Fix the commit of *run*. Raises Failed where the label does not stay as it was written."""
    _fix(run, {COMMIT_LABEL: sha})


def fix_release(run: str, release: Release) -> None:
    """*run* is about this release, with these images, from now on. Raises as `fix_commit`."""
    images = json.dumps(release.images, sort_keys=True)
    _fix(run, {COMMIT_LABEL: release.commit, RELEASE_LABEL: release.id, IMAGES_LABEL: images})


def last_request(run: str, environment: str) -> Request | None:
    """Newest approval request of *run* in *environment*; None without one that can be read."""
    kept = _labels(run).get(f"{REQUEST_LABEL}.{environment}")
    try:
        return Request.model_validate_json(str(kept)) if kept else None
    except ValidationError:
        return None


def keep_request(run: str, request: Request) -> None:
    """*request* is the newest of *run*. Raises as `fix_commit`."""
    _fix(run, {f"{REQUEST_LABEL}.{request.bound.environment}": request.model_dump_json()})


def answer_to(run: str, request: Request) -> Stored | None:
    """The answer to *request* as Prefect keeps it; None while there is none."""
    key = f"suspended-{request.key}-response"
    with connected(f"read the answer to run {run!r}") as client:
        found = client.filter_flow_run_input(UUID(run), key_prefix=key, limit=1, exclude_keys=set())
    return next((Stored(one.value, one.created or datetime.now(UTC)) for one in found if one.key == key), None)


def last_end(run: str) -> datetime | None:
    """Time when *run* last ended other than by a crash, or None; a Retry continues after that."""
    with connected(f"read the states of run {run!r}") as client:
        states = client.read_flow_run_states(UUID(run))
    ends = (state.timestamp for state in states if state.type.value in {"COMPLETED", "FAILED", "CANCELLED"})
    return max(ends, default=None)


def _labels(run: str) -> Labels:
    with connected(f"read the labels of run {run!r}") as client:
        return dict(client.read_flow_run(UUID(run)).labels)


def _fix(run: str, labels: Labels) -> None:
    label(run, labels)
    kept = _labels(run)
    if lost := sorted(name for name, value in labels.items() if kept.get(name) != value):
        raise Failed(
            f"could not write {', '.join(lost)} to run {run}: Prefect stored other values",
            advice="the run ends here, since a resume would not find its commit and release; start a new run",
        )


def label(id_: str, labels: Labels) -> None:
    """Add *labels* to those that the run has."""
    with connected(f"label run {id_!r}") as client:
        client.update_flow_run_labels(UUID(id_), dict(labels))
