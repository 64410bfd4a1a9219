"""Inventory of objects that charts render: one list per kind, metadata only, paths by discovery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from azora.config.json_object import Json
from azora.core.cluster.ownership import owned
from azora.core.release.values import Values
from azora.errors import Refused
from azora.gateways.kubernetes.api import Api, Missing

HELM_MANAGER = "helm"  # the name under which Helm 4 applies


class Inventory:
    """Objects of the cluster at one time: what was listed once is not listed again."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._plurals = cache(self._discovered)
        self._named = cache(self._listed)

    def existing(self, objects: Iterable[Values]) -> Iterator[tuple[Values, Json]]:
        """Each of the rendered *objects* that exists, with its metadata in the cluster.

        Left out, for Helm and the cluster's rules to judge: what belongs to no namespace, kinds that the cluster does not know,
        kinds that the account may not list.
        """
        for rendered in objects:
            path = self._path_of(rendered)
            if path and (there := self._named(path).get(str(_metadata(rendered).get("name")))):
                yield dict(rendered), there

    def rehearse(self, found: Values) -> None:
        """Have the cluster judge *found* as Helm would apply it, and keep nothing.

        As Helm's own field manager: as another one, what the chart no longer has would stay in lists. Kinds that the cluster does
        not know, and those outside namespaces, are left to Helm. Raises what the cluster answers.
        """
        if path := self._path_of(found):
            self._api.dry_run(f"{path}/{_metadata(found)['name']}", found, manager=HELM_MANAGER)

    def apply(self, found: Values, release: str) -> None:
        """Apply *found* as Helm would for its *release*, which then upgrades it as its own."""
        if path := self._path_of(found):
            self._api.apply(
                f"{path}/{_metadata(found)['name']}", owned(found, release, self._namespace), manager=HELM_MANAGER
            )

    def read(self, found: Values) -> Json | None:
        """The cluster's object of the kind and name of *found*; None while it is not there."""
        return self._api.find(f"{self._path_of(found)}/{_metadata(found)['name']}")

    def remove(self, found: Values) -> None:
        """Remove the object of the kind and name of *found*, with what it owns."""
        self._api.delete(f"{self._path_of(found)}/{_metadata(found)['name']}")

    def helm_releases(self) -> set[str]:
        """Names of the Helm releases that the namespace has, in whatever state."""
        path = f"/api/v1/namespaces/{self._namespace}/secrets"
        return {found["labels"]["name"] for found in self._api.metadata(path, labelSelector="owner=helm")}

    def _path_of(self, found: Values) -> str | None:
        """Path of the list that has *found*."""
        version, namespace = found["apiVersion"], _metadata(found).get("namespace") or self._namespace
        plural = self._plurals(version).get(found["kind"])
        return f"{_root(version)}/namespaces/{namespace}/{plural}" if plural else None

    def _discovered(self, version: str) -> dict[str, str]:
        """Plural by kind, of the namespaced kinds of a group's version."""
        resources = (self._api.find(_root(version)) or {}).get("resources", [])
        return {one["kind"]: one["name"] for one in resources if one["namespaced"] and "/" not in one["name"]}

    def _listed(self, path: str) -> dict[str, Json]:
        try:
            return {found["name"]: found for found in self._api.metadata(path)}
        except (Refused, Missing):
            return {}


def _metadata(found: Values) -> Json:
    return found.get("metadata") or {}


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
