"""Overrides in force: annotations by which a person changed users or pods without an approval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from azora.config.json_object import Json
from azora.core.colors import COLOR_LABEL, NAME_LABEL, RELEASE_LABEL, Color
from azora.core.messages.foreign_text import line

OVERRIDE_ANNOTATION = "azora.dev/override"


@dataclass(frozen=True)
class Override:
    """One object with the annotation, as `Service azora`; *release* is the label that it selects or runs."""

    where: str
    by: str
    reason: str
    release: str = ""

    @property
    def text(self) -> str:
        """For a line of text."""
        return f"{line(self.where)} by {line(self.by)}: {line(self.reason)}"


def overrides_of(
    service: Json | None, workloads: Iterable[Json], application: str, active: Color | None
) -> tuple[Override, ...]:
    """Overrides on the live *service*, and on pod templates of *workloads* that users meet.

    Those of the preview color are left out: its next installation makes its Deployments anew.
    """
    return tuple(_found(service, workloads, application, active))


def is_overridden(workload: Json) -> bool:
    """Return True when pods of *workload* carry the annotation."""
    return bool(_note(workload["spec"]["template"]))


def _found(
    service: Json | None, workloads: Iterable[Json], application: str, active: Color | None
) -> Iterator[Override]:
    if service and (note := _note(service)):
        selector = service["spec"].get("selector") or {}
        yield _override(f"Service {service['metadata']['name']}", note, selector.get(RELEASE_LABEL, ""))
    for found in workloads:
        template = found["spec"]["template"]
        labels = template["metadata"].get("labels") or {}
        color = labels.get(COLOR_LABEL)
        if labels.get(NAME_LABEL) == application and color in {None, active} and (note := _note(template)):
            where = f"{found['kind']} {found['metadata']['name']}"
            yield _override(where, note, labels.get(RELEASE_LABEL, ""))


def _note(found: Json) -> str:
    return str(((found.get("metadata") or {}).get("annotations") or {}).get(OVERRIDE_ANNOTATION, ""))


def _override(where: str, note: str, release: str) -> Override:
    by, _, reason = note.partition(" ")
    return Override(where, by, reason, release)
