"""The gate of an environment: turned on over what runs, turned off, and read.

The order decides. What runs is written down first, then the policies come, people's Roles, and the label last: with the label and
without a line for it, a pod that is made anew would be refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from azora.config.gate_objects import people_of, policies
from azora.config.json_object import Json
from azora.core.cluster.kubernetes_objects import logged_switches, selected_release
from azora.core.cluster.stored_releases import unpacked
from azora.core.gate.approved import NAME, must_be_a_name
from azora.core.gate.marks import ENVIRONMENT_LABEL, REQUIRED, REQUIRED_LABEL, Gate, Marks
from azora.core.gate.pod_images import belongs_to, digests_of, images_of, items_of, release_of, tagged
from azora.core.release.release import LABEL_DIGITS
from azora.errors import Refused
from azora.gateways.kubernetes.access_review import user_of
from azora.gateways.kubernetes.api import Api, Missing
from azora.gateways.kubernetes.approved_store import approved_of, write_approved
from azora.gateways.kubernetes.freeze_store import ensure as ensure_freeze
from azora.gateways.kubernetes.gate_probe import until_enforced, until_open
from azora.gateways.kubernetes.namespace import Namespace
from azora.gateways.kubernetes.record_store import RELEASES, RecordStore

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
PLURALS = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    "Role": "roles",
    "RoleBinding": "rolebindings",
}
MAKERS = {
    "apps": ("Deployment", "StatefulSet", "DaemonSet"),
    "batch": ("Job", "CronJob"),
}
LASTING = {"apps": ("Deployment", "StatefulSet")}  # an approver may read these


@dataclass(frozen=True)
class Running:
    """Items for `azora-approved` that a namespace runs, and images that name no digest."""

    items: tuple[str, ...] = ()
    tagged: tuple[str, ...] = ()


def gate_of(namespace: Namespace) -> Gate:
    """The gate of *namespace* as the cluster has it now."""
    return Gate.of(namespace.api.find(namespace.core))


def running(namespace: Namespace) -> Running:
    """Items of the pods of *namespace*, of their makers, and of the releases of the switch log.

    A Job that is over is left out.
    """
    return _running(namespace, [*_makers(namespace, MAKERS), *_pods(namespace)])


def in_use(namespace: Namespace) -> tuple[str, ...]:
    """Items of what runs and of the releases of the switch log, as far as an approver may read."""
    return _running(namespace, _makers(namespace, LASTING)).items


def _running(namespace: Namespace, found: Iterable[Json]) -> Running:
    service = namespace.api.find(f"{namespace.core}/services/{namespace.live_service}")
    objects = [one for one in found if belongs_to(namespace.application, one)]
    images = images_of(objects)
    labels = {label for one in objects if (label := release_of(one))}
    labels |= {switch.release[:LABEL_DIGITS] for switch in logged_switches(service)}
    if label := selected_release(service):
        labels.add(label)
    stored = unpacked(RecordStore(namespace).config_map(RELEASES))
    earlier = [item for release in stored if release.label in labels for item in items_of(release)]
    return Running(tuple(sorted({*labels, *digests_of(images), *earlier})), tagged(images))


def to_take_over(namespace: Namespace, items: Iterable[str]) -> tuple[str, ...]:
    """Those of *items* that would be refused once the gate is as the file has it.

    Where it is on already, only what counts by its present minimum: the switch log and the record are the pipeline's own, and could
    name what nobody approved.
    """
    known, gate = approved_of(namespace), gate_of(namespace)
    left = known.missing(items, Marks.of(namespace.environment, namespace.application).minimum)
    if not gate.is_on:
        return left
    before = gate.marks.minimum if gate.marks else 0
    return tuple(item for item in left if before and known.counts(item, before))


def refused_images(namespace: Namespace) -> tuple[str, ...]:
    """Images of running pods of the application that the gate would refuse in new pods."""
    marks = gate_of(namespace).marks
    pods = [found for found in _pods(namespace) if belongs_to(namespace.application, found)]
    images = images_of(pods)
    left = approved_of(namespace).missing(digests_of(images), marks.minimum if marks else 0)
    unknown = set(left) - set(marks.sidecars if marks else ())
    return tuple(image for image in images if image.partition("@")[2] in {*unknown, ""})


def policies_of(api: Api) -> Iterable[tuple[Json, Json | None]]:
    """Each policy and binding of this version, with what the cluster has of that name."""
    return ((wanted, api.find(_path(wanted))) for wanted in policies())


def mark(namespace: Namespace) -> None:
    """Write the Namespace's annotations and its environment label; the gate's label stays as it is."""
    marks = Marks.of(namespace.environment, namespace.application)
    labels = {ENVIRONMENT_LABEL: namespace.environment.name}
    namespace.api.patch(namespace.core, {"metadata": {"labels": labels, "annotations": marks.annotations}})


def turn_on(namespace: Namespace, items: Iterable[str]) -> None:
    """Turn the gate on over *items* that run; safe to repeat.

    Raises:
        Refused: this user may not, or the cluster's version has no policies.
        NotReadyYet: the API server does not enforce them in time.
    """
    api, user = namespace.api, user_of(namespace.api)
    must_be_a_name(user)
    mark(namespace)
    write_approved(namespace, lambda found: found.with_standing(items, user))
    ensure_freeze(namespace)
    _apply_all(api, policies())
    _apply_all(api, people_of(namespace.environment, namespace.application))
    api.patch(namespace.core, {"metadata": {"labels": {REQUIRED_LABEL: REQUIRED}}})
    until_enforced(namespace)


def turn_off(namespace: Namespace) -> None:
    """Turn the gate off, the label first; safe to repeat.

    The policies stay, and judge no namespace without the label. An API server whose last policy with a parameter goes stops reading
    ConfigMaps for policies, and does not begin again before it is started anew (seen with 1.36.3).
    """
    api = namespace.api
    if api.find(namespace.core):
        api.patch(namespace.core, {"metadata": {"labels": {REQUIRED_LABEL: None}}})
    until_open(namespace)
    for found in reversed(people_of(namespace.environment, namespace.application)):
        _delete(api, _path(found))
    _delete(api, f"{namespace.core}/configmaps/{NAME}")


def _makers(namespace: Namespace, makers: Mapping[str, tuple[str, ...]]) -> Iterable[Json]:
    for group, kinds in makers.items():
        for kind in kinds:
            path = f"/apis/{group}/v1/namespaces/{namespace.name}/{kind.lower()}s"
            for found in namespace.api.get(path)["items"]:
                if kind != "Job" or not _is_over(found):
                    yield {"kind": kind, **found}


def _pods(namespace: Namespace) -> Iterable[Json]:
    for found in namespace.api.get(f"{namespace.core}/pods")["items"]:
        if (found.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}:
            yield {"kind": "Pod", **found}


def _is_over(job: Json) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(one["type"] in {"Complete", "Failed"} and one["status"] == "True" for one in conditions)


def _apply_all(api: Api, objects: Iterable[Json]) -> None:
    try:
        for found in objects:
            api.apply(_path(found), found)
    except Missing as error:
        raise Refused(
            "could not turn the gate on: this cluster has no ValidatingAdmissionPolicies",
            advice="use Kubernetes 1.30 or later, or `approval.by: form`",
        ) from error


def _path(found: Json) -> str:
    metadata, plural = found["metadata"], PLURALS[found["kind"]]
    if "namespace" in metadata:
        return f"{RBAC}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}"
    return f"{ADMISSION}/{plural}/{metadata['name']}"


def _delete(api: Api, path: str) -> None:
    with suppress(Missing):
        api.delete(path)
