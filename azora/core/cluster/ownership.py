"""Ownership of a namespace's content: Helm releases that Azora installed, and their objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import TypeAdapter, ValidationError

from azora.config.json_object import Json
from azora.core.messages.listing import capped
from azora.errors import BadInput

HELM = "helm"  # key of the record
OWNER, OWNER_NAMESPACE, HOOK = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace", "helm.sh/hook"
HOOK_POLICY, BEFORE = "helm.sh/hook-delete-policy", "before-hook-creation"
SHOWN = 8

_NAMES: TypeAdapter[tuple[str, ...]] = TypeAdapter(tuple[str, ...])


def installed_by_us(record: Mapping[str, str], application: str) -> tuple[str, ...]:
    """Helm releases that Azora installed or began to install.

    A record of an older version has a key for each Helm release that it had installed, and names releases from
    before their color was installed.

    Raises:
        BadInput: somebody wrote something else into the record.
    """
    if HELM not in record:
        by_key = {color: f"{application}-{color}" for color in ("blue", "green")}
        by_key |= {"router": application, "data": f"{application}-data"}
        begun = {"blue", "green"} if {"releases", "migrating"} & record.keys() else set()
        return tuple(name for key, name in by_key.items() if key in record or key in begun)
    try:
        return _NAMES.validate_json(record[HELM])
    except ValidationError as error:
        raise BadInput(
            f"could not read which Helm releases are Azora's: the record's key {HELM!r} is {record[HELM]!r}",
            advice='write a JSON list of names there, as `["shop-blue", "shop"]`',
        ) from error


def with_installed(record: Mapping[str, str], application: str, name: str) -> str | None:
    """The key of the record once Helm release *name* is on it; None where it is there already."""
    known = installed_by_us(record, application)
    if HELM in record and name in known:
        return None
    return _NAMES.dump_json(tuple(sorted({*known, name}))).decode()


def each_of(objects: Iterable[Json]) -> Iterator[Json]:
    """Rendered *objects* one by one, lists of them taken apart as Helm does."""
    for found in objects:
        match found:
            case {"kind": str(kind), "items": items} if kind.endswith("List"):
                yield from each_of(items or ())
            case _:
                yield found


def is_only_test(rendered: Json) -> bool:
    """Return True for a hook of `helm test` alone, which no release installs."""
    hooks = {one.strip().lower() for one in str(_annotations(rendered["metadata"]).get(HOOK, "")).split(",")}
    return hooks <= {"test", "test-success"}


def owned(found: Json, release: str, namespace: str) -> Json:
    """Rendered object *found* with the marks by which Helm knows it as one of *release*."""
    metadata = found["metadata"]
    labels = {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    annotations = {**_annotations(metadata), OWNER: release, OWNER_NAMESPACE: namespace}
    return {**found, "metadata": {**metadata, "labels": labels, "annotations": annotations}}


def foreign(release: str, namespace: str, pairs: Iterable[tuple[Json, Json]], *, is_ours: bool) -> Iterator[str]:
    """Objects that an installation of Helm *release* would take over, each with whose it is.

    *pairs*: what the chart renders, with the metadata of the object of that kind and name that exists; *is_ours*: whether the
    record lists the release.
    """
    for rendered, there in pairs:
        if not (is_ours and _belongs(rendered, there, release, namespace)):
            owner = _annotations(there).get(OWNER)
            yield f"{rendered['kind']} {there['name']}" + (f" (of Helm release {owner})" if owner else "")


def _belongs(rendered: Json, there: Json, release: str, namespace: str) -> bool:
    """Helm writes its release on each object but those of hooks, which keep what the chart says."""
    said = _annotations(there)
    if HOOK in _annotations(rendered["metadata"]):
        return HOOK in said
    return said.get(OWNER) == release and said.get(OWNER_NAMESPACE, namespace) == namespace


def stays_after_failure(rendered: Json) -> bool:
    """Return True for a hook that stays after it failed and blocks every later release.

    Without a policy Helm removes it before the next one: https://helm.sh/docs/topics/charts_hooks/#hook-deletion-policies
    """
    said = _annotations(rendered["metadata"])
    policies = {one.strip() for one in str(said.get(HOOK_POLICY, "")).split(",")} - {""}
    return HOOK in said and bool(policies) and BEFORE not in policies


def _annotations(metadata: Json) -> Mapping[str, str]:
    return metadata.get("annotations") or {}


def enumerated(found: Sequence[str]) -> str:
    """Each of *found* on a line of its own, the first ones by name."""
    return "".join(f"\n  {line}" for line in capped(found, SHOWN))
