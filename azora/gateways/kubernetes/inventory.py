"""Inventory of objects that charts render: one list per kind, metadata only, paths by discovery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from azora.config.json_object import Json
from azora.core.cluster.ownership import each_of
from azora.core.release.values import Values
from azora.errors import Refused
from azora.gateways.kubernetes.api import Api, Missing


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
        for rendered in each_of(objects):
            metadata = rendered.get("metadata") or {}
            path = self._path(rendered["apiVersion"], rendered["kind"], metadata.get("namespace") or self._namespace)
            if path and (there := self._named(path).get(str(metadata.get("name")))):
                yield dict(rendered), there

    def helm_releases(self) -> set[str]:
        """Names of the Helm releases that the namespace has, in whatever state."""
        path = f"/api/v1/namespaces/{self._namespace}/secrets"
        return {found["labels"]["name"] for found in self._api.metadata(path, labelSelector="owner=helm")}

    def _path(self, version: str, kind: str, namespace: str) -> str | None:
        plural = self._plurals(version).get(kind)
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


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
