"""A gated shop in which both colors are ready and proved: R0 in green served before R1 in blue."""

from __future__ import annotations

from contextlib import suppress

from azora.config.json_object import Json
from azora.core.cluster.record import StackRecord, Switch, annotation_of
from azora.core.colors import Color
from azora.gateways.kubernetes.api import Missing
from azora.gateways.kubernetes.record_store import RecordStore
from tests.support.api_server import ApiServer
from tests.support.gated import NOW, R0, R1, Gated, gated, service
from tests.support.polling import until

READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": None}]}


def two_colors(server: ApiServer, *, minimum: int = 1) -> Gated:
    """The shop, with the gate on."""
    shop = gated(server, minimum=minimum)
    shop.create("admin", service(R0, called="shop-preview"))
    moves = (
        Switch(number=1, at=NOW, kind="first", came_from=None, to=Color.GREEN, release=R0, by="run"),
        Switch(number=2, at=NOW, kind="promotion", came_from=Color.GREEN, to=Color.BLUE, release=R1, by="run"),
    )
    shop.patch("admin", service(R1), {"metadata": {"annotations": {"azora.dev/switches": annotation_of(moves)}}})
    for color, release in ((Color.BLUE, R1), (Color.GREEN, R0)):
        proved = StackRecord(release=release, revision=1, proved_at=NOW)
        RecordStore(shop.namespace).write(**{str(color): proved.model_dump_json()})
        RecordStore(shop.namespace).add_helm_release(f"shop-{color}")
        shop.create("admin", installed_by_helm(f"shop-{color}"))
    for color in Color:
        until(lambda color=color: is_ready(shop, color), seconds=30, what=f"ready pods in {color}")
    return shop


def installed_by_helm(name: str) -> Json:
    """Secret by which Helm remembers that it deployed *name*."""
    labels = {"owner": "helm", "name": name, "status": "deployed", "version": "1"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"sh.helm.release.v1.{name}.v1", "labels": labels},
    }


def is_ready(shop: Gated, color: Color) -> bool:
    """Report pods of *color* as ready, as a kubelet does; True once their Deployment has counted them."""
    api, core = shop.as_("admin"), shop.namespace.core
    for pod in api.get(f"{core}/pods", labelSelector=f"azora.dev/color={color}")["items"]:
        if pod.get("status", {}).get("phase") == "Running":
            continue
        with suppress(Missing):  # its ReplicaSet has removed it
            api.patch(f"{core}/pods/{pod['metadata']['name']}/status", {"status": READY})
    found = api.get(f"{shop.namespace.apps}/deployments/shop-{color}-front")
    return bool(found.get("status", {}).get("availableReplicas"))
