"""Takeover check: Helm releases and objects of a namespace that are not Azora's are refused by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from azora.core.cluster.ownership import enumerated, foreign, stays_after_failure
from azora.core.release.values import Values
from azora.errors import Refused
from azora.gateways.helm.client import Helm
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.inventory import Inventory

Chart = tuple[str, Path, Values]  # Helm release, chart, its values


def must_be_ours(cluster: Cluster, helm: Helm, *wanted: Chart) -> None:
    """Raise Refused where an installation of *wanted* would take over what is not Azora's. Writes nothing."""
    if found := list(dict.fromkeys(_foreign(cluster, helm, wanted))):
        raise Refused(
            f"could not install into {cluster.namespace.name}: it contains objects that are not Azora's:{enumerated(found)}",
            advice=f"use a separate namespace for {cluster.namespace.environment.name}, or hand these over:"
            " docs/own-cluster.md, *A namespace that is not empty*",
        )


def remove_leftover_hooks(cluster: Cluster, helm: Helm, wanted: Chart) -> list[str]:
    """Remove hooks of *wanted* that a failed installation of ours left; returns their names."""
    inventory = Inventory(cluster.namespace.api, cluster.namespace.name)
    left = [one for one, there in inventory.existing(helm.render(*wanted)) if stays_after_failure(one)]
    for one in left:
        inventory.remove(one)
    return [f"{one['kind']} {one['metadata']['name']}" for one in left]


def _foreign(cluster: Cluster, helm: Helm, wanted: Iterable[Chart]) -> Iterator[str]:
    inventory = Inventory(cluster.namespace.api, cluster.namespace.name)
    ours = cluster.record.helm_releases()
    there = inventory.helm_releases() if any(name not in ours for name, _, _ in wanted) else set()
    for name, chart, values in wanted:
        if name in there and name not in ours:
            yield f"Helm release {name}"
        pairs = inventory.existing(helm.render(name, chart, values))
        yield from foreign(name, cluster.namespace.name, pairs, is_ours=name in ours)
