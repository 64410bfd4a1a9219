"""Rehearsal of an installation: the cluster judges each object that the charts render, and keeps none.

What would fail at Helm's hand (a field that may not change, a quota, an admission webhook, a missing right) is refused
before the approval, by the name of who refused it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from azora.core.cluster.ownership import HOOK, enumerated
from azora.core.cluster.state import World
from azora.core.colors import Color
from azora.core.messages.listing import capped
from azora.core.release.chart_contract import live_ports
from azora.core.release.router_objects import lost_ports
from azora.core.release.values import Values
from azora.errors import AzoraError, BadInput, TransientError
from azora.gateways.kubernetes.inventory import Inventory
from azora.operations.promotion import chart_values
from azora.operations.promotion.context import Context

SHOWN = 8
NO_DRY_RUN = "does not support dry run"  # a webhook that has side effects: Helm will meet it
# What the API server says, and what to do about it.
_ADVICE = (
    (
        r"field is immutable|may not change|updates to .* are forbidden",
        "give the object a new name, or take the field back",
    ),
    (r"exceeded quota", "raise the namespace's quota, or lower the requests"),
    (
        r"'azora-(hosts|routes)'",
        "name only the hosts of the environment's file, and lead the live host to the live Service (docs/approvals.md, The gate)",
    ),
    (r"admission webhook|ValidatingAdmissionPolicy", "meet the policy that refused it, or ask who runs it"),
    (r"forbidden", "give the right to the pipeline's account: `azora rights apply` has the usual ones"),
)
_OTHER = "correct the chart: the message is the cluster's"


def rehearse(context: Context, world: World) -> None:
    """Apply every object of the delivery to the cluster as a dry run, over what is there in *world*.

    Raises:
        BadInput: with each object that the cluster would refuse, and why.
    """
    if not context.cluster.namespace.exists():
        return
    if lost := list(dict.fromkeys(_lost_ports(context, world))):
        raise BadInput(
            f"could not release to {context.where}: users would lose their port of the live Service:{enumerated(lost)}",
            advice="change `targetPort` alone; or add the new port in one release, let the Ingress name it in the next, and remove the"
            " old one in a third",
        )
    refused = dict(_refused(context, world))
    if refused:
        lines = [f"{called}: {why}" for called, why in refused.items()]
        raise BadInput(
            f"could not install into {context.where}: the cluster would refuse\n  " + "\n  ".join(capped(lines, SHOWN)),
            advice="; ".join(dict.fromkeys(_advice(why) for why in refused.values())),
        )


def _refused(context: Context, world: World) -> Iterator[tuple[str, str]]:
    namespace = context.cluster.namespace
    inventory = Inventory(namespace.api, namespace.name)
    live = namespace.stack_name(world.active) if world.active else None
    for name, chart, values in chart_values.everything(context.delivery):
        if name == live:  # nothing is installed into the color that serves
            continue
        for found in context.helm.render(name, chart, values):
            if why := _why_not(inventory, found):
                yield f"{found['kind']} {found['metadata']['name']} of {name}", why


def _lost_ports(context: Context, world: World) -> Iterator[str]:
    """Ports of the live Service that the switch, or a rollback after it, would take from users.

    Ingresses follow later: the ones of the cluster need the new ports until then, those of the commit the old ones after a rollback.
    """
    namespace, serving = context.cluster.namespace, world.serving
    if serving is None:
        return
    rendered = context.rendered_router(Color.BLUE)
    ports = live_ports(rendered, context.delivery.application.name)
    if ports is not None:
        found = namespace.api.find(f"/apis/networking.k8s.io/v1/namespaces/{namespace.name}/ingresses") or {}
        yield from (
            f"{lost}: this commit has none"
            for lost in lost_ports(found.get("items") or (), namespace.live_service, ports)
        )
    if serving.ports is not None:
        later = lost_ports([one for one in rendered if one["kind"] == "Ingress"], namespace.live_service, serving.ports)
        yield from (f"{lost} with this commit: a rollback would take it away" for lost in later)


def _why_not(inventory: Inventory, found: Values) -> str | None:
    """Reason why the cluster would refuse *found*; None where it would not, and for hooks."""
    if HOOK in (found["metadata"].get("annotations") or {}):
        return None
    try:
        inventory.rehearse(found)
    except TransientError:
        raise
    except AzoraError as error:
        said = " ".join(error.message.partition(": ")[2].split())
        return None if NO_DRY_RUN in said else said
    return None


def _advice(why: str) -> str:
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, why)), _OTHER)
