"""Images of pods: of objects as charts render them, and as the cluster has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from azora.core.colors import NAME_LABEL, RELEASE_LABEL
from azora.core.release.release import Release

Object = Mapping[str, Any]


def images_of(objects: Iterable[Object]) -> tuple[str, ...]:
    """Every image of the pods that *objects* are or make, sorted; image volumes, too."""
    return tuple(sorted({image for found in objects for image in _images(pod_of(found))}))


def digests_of(images: Iterable[str]) -> tuple[str, ...]:
    """Digests of *images*, sorted; the cluster accepts no other name of an image."""
    return tuple(sorted({digest for _, _, digest in (image.partition("@") for image in images) if digest}))


def tagged(images: Iterable[str]) -> tuple[str, ...]:
    """Those of *images* that name no digest."""
    return tuple(sorted({image for image in images if "@sha256:" not in image}))


def items_of(release: Release, objects: Iterable[Object] = ()) -> tuple[str, ...]:
    """Items that an approval of *release* covers: label, images, and digests in its rendered *objects*."""
    return release.label, *digests_of([*release.images.values(), *images_of(objects)])


def pod_of(found: Object) -> Object:
    """The pod that *found* is, or the template of the pods that it makes; empty for other kinds."""
    spec = found.get("spec") or {}
    if found.get("kind") == "Pod":
        return found
    if found.get("kind") == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template: Object = spec.get("template") or {}
    return template if "containers" in (template.get("spec") or {}) else {}


def belongs_to(application: str, found: Object) -> bool:
    """Return True when pods of *found* are those of *application*, as the cluster's policy decides."""
    return _labels(found).get(NAME_LABEL) == application


def release_of(found: Object) -> str | None:
    """The release's label on pods of *found*."""
    return _labels(found).get(RELEASE_LABEL)


def _labels(found: Object) -> Mapping[str, str]:
    return (pod_of(found).get("metadata") or {}).get("labels") or {}


def _images(pod: Object) -> Iterable[str]:
    spec = pod.get("spec") or {}
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        yield from (one["image"] for one in spec.get(kind) or () if one.get("image"))
    for volume in spec.get("volumes") or ():
        if reference := (volume.get("image") or {}).get("reference"):
            yield reference
