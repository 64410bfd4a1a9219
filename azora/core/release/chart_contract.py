"""Chart contract: what a chart must provide for discovery, counts and switches.

See docs/application-contract.md.

Charts are looked at as they render, before anything is built: what is wrong with one would else be met with users on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from azora.config.json_object import Json
from azora.core.cluster.ownership import HOOK
from azora.core.colors import COLOR_LABEL, COMPONENT_LABEL, NAME_LABEL, RELEASE_LABEL, Color

RELEASE_LINE = f"{RELEASE_LABEL}: {{{{ .Values.azora.release | quote }}}}"


def stack_faults(objects: Sequence[Json], values: Json, services: Collection[str]) -> Iterator[str]:
    """Faults of one color's *objects*, rendered with *values* for *services*."""
    application, color = values["azora"]["application"], values["azora"]["color"]
    ours = {NAME_LABEL: application, COLOR_LABEL: color}
    deployments = [one for one in objects if one.get("kind") == "Deployment" and _has(_labels(one), ours)]
    for service in services:
        labels = ours | {COMPONENT_LABEL: service}
        found = [one for one in deployments if _has(_labels(one), labels)]
        if len(found) == 1:
            yield from _deployment_faults(found[0], labels, values, service)
        else:
            yield f"{len(found)} Deployments have the labels {_told(labels)}; there must be one for each service"
    for one in deployments:
        if _labels(one).get(COMPONENT_LABEL) not in services:
            yield f"{_called(one)} is of no service of application.yaml: its label is {_told(_labels(one), COMPONENT_LABEL)}"
    for one in objects:
        yield from _image_faults(one)
        yield from _job_faults(one)


def _deployment_faults(deployment: Json, labels: Mapping[str, str], values: Json, service: str) -> Iterator[str]:
    name, spec = _called(deployment), deployment["spec"]
    on_pods = {**labels, RELEASE_LABEL: values["azora"]["release"]}
    missing = [key for key, value in on_pods.items() if _labels(spec["template"]).get(key) != value]
    if missing:
        yield f"the pods of {name} lack {_told(on_pods, *missing)}"
    selected = (spec.get("selector") or {}).get("matchLabels") or {}
    if RELEASE_LABEL in selected:
        yield f"the selector of {name} has {RELEASE_LABEL}: Kubernetes lets no release after the first change it"
    if selected.get(COLOR_LABEL) != labels[COLOR_LABEL]:
        yield f"{name} selects pods of both colors: its selector lacks {_told(labels, COLOR_LABEL)}"
    if spec.get("replicas") != (wanted := values["replicas"][service]):
        yield f"{name} has {spec.get('replicas')} replicas, though replicas.{service} is {wanted}"


def _image_faults(found: Json) -> Iterator[str]:
    """Images without a digest: a tag may be another image tomorrow. Those of the release have one."""
    for user, image in _images(found):
        if "@sha256:" not in image:
            yield f"{user} of {_called(found)} runs {image}, which is no image of application.yaml and has no digest"


def _job_faults(found: Json) -> Iterator[str]:
    """Faults of what acts by itself: in both colors, and in the preview before the approval."""
    if found.get("kind") == "CronJob":
        yield f"{_called(found)} would run in both colors, in the preview too: move it to a chart of its own"
    if found.get("kind") == "Job" and HOOK not in _annotations(found):
        yield (
            f"{_called(found)} is no hook: it would run in both colors, and Kubernetes lets no later release change it:"
            f" add the annotation {HOOK}, or move it to a chart of its own"
        )


def images_of(objects: Sequence[Json]) -> set[str]:
    """Images of all containers and volumes in *objects*."""
    return {image for found in objects for _, image in _images(found)}


def _images(found: Json) -> Iterator[tuple[str, str]]:
    """Images of the pods that *found* makes, if any, each with the container or volume that uses it."""
    spec = found.get("spec") or {}
    spec = (spec.get("jobTemplate") or {}).get("spec") or spec
    pod = spec if found.get("kind") == "Pod" else (spec.get("template") or {}).get("spec") or {}
    for container in [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]:
        yield f"container {container.get('name')}", str(container.get("image"))
    for volume in pod.get("volumes") or ():
        if reference := (volume.get("image") or {}).get("reference"):
            yield f"volume {volume.get('name')}", str(reference)


def _annotations(found: Json) -> Mapping[str, str]:
    return (found.get("metadata") or {}).get("annotations") or {}


def router_faults(objects: Sequence[Json], values: Json) -> Iterator[str]:
    """Faults of the router's *objects*, rendered with *values*."""
    application, edge, active = values["azora"]["application"], values["edge"]["component"], values["azora"]["color"]
    services = {_name(one): one for one in objects if one.get("kind") == "Service"}
    for name, color in {application: active, f"{application}-preview": str(Color(active).other)}.items():
        wanted = {NAME_LABEL: application, COMPONENT_LABEL: edge, COLOR_LABEL: color}
        if name == application:
            wanted[RELEASE_LABEL] = values["azora"]["release"]
        if name not in services:
            yield f"there is no Service {name}"
        else:
            yield from _selector_faults(name, services[name].get("spec", {}).get("selector") or {}, wanted)


def _selector_faults(name: str, selector: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    if selector == wanted:
        return
    if {**selector, RELEASE_LABEL: wanted.get(RELEASE_LABEL)} == wanted and RELEASE_LABEL not in selector:
        yield f"the selector of Service {name} lacks the release: add the line `{RELEASE_LINE}`"
    else:
        yield f"Service {name} selects {_told(selector) or 'nothing'} and not {_told(wanted)}"


def live_ports(objects: Sequence[Json], application: str) -> tuple[Json, ...] | None:
    """Ports of the live Service as the router's *objects* have it; None where they have none."""
    services = (one for one in objects if one.get("kind") == "Service" and _name(one) == application)
    return next((tuple(one["spec"]["ports"]) for one in services if one.get("spec", {}).get("ports")), None)


def shared_names(releases: Mapping[str, Sequence[Json]]) -> Iterator[str]:
    """Objects in several Helm *releases*: each would take them from the other, while it serves users."""
    owners = Counter(called for objects in releases.values() for called in {_called(one) for one in objects})
    for called in sorted(name for name, count in owners.items() if count > 1):
        both = [release for release, objects in releases.items() if called in {_called(one) for one in objects}]
        yield f"{called} is in {' and '.join(both)}: a stack's names must have its color in them"


def _labels(found: Json) -> dict[str, str]:
    return (found.get("metadata") or {}).get("labels") or {}


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return wanted.items() <= labels.items()


def _called(found: Json) -> str:
    return f"{found.get('kind')} {_name(found)}"


def _name(found: Json) -> str:
    return str((found.get("metadata") or {}).get("name"))


def _told(labels: Mapping[str, str], *names: str) -> str:
    return ", ".join(f"{name}: {labels.get(name)}" for name in names or labels)
