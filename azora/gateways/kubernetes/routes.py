"""Ingresses and routes of the Gateway API, of one namespace or all; and hosts of the environments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from azora.config.json_object import Json
from azora.core.gate.marks import ENVIRONMENT_LABEL, Gate, Marks
from azora.errors import Refused
from azora.gateways.kubernetes.api import Api, Missing

_GATEWAY = "gateway.networking.k8s.io"
_KINDS = (
    ("networking.k8s.io/v1", "Ingress", "ingresses"),
    (f"{_GATEWAY}/v1", "HTTPRoute", "httproutes"),
    (f"{_GATEWAY}/v1", "GRPCRoute", "grpcroutes"),
    (f"{_GATEWAY}/v1alpha2", "TLSRoute", "tlsroutes"),
)


def routes(api: Api, namespace: str) -> Iterator[Json]:
    """Ingresses and routes of the whole cluster; of *namespace* alone for a user who may not list all."""
    for version, kind, plural in _KINDS:
        with suppress(Missing):
            for found in _listed(api, f"/apis/{version}", namespace, plural):
                yield {"kind": kind, **found}


def _listed(api: Api, root: str, namespace: str, plural: str) -> list[Json]:
    try:
        return list(api.get(f"{root}/{plural}")["items"])
    except Refused:
        return list(api.get(f"{root}/namespaces/{namespace}/{plural}")["items"])


def marked_namespaces(api: Api) -> dict[str, Marks]:
    """Annotations of every environment's namespace in the cluster, by its name."""
    found = api.get("/api/v1/namespaces", labelSelector=ENVIRONMENT_LABEL)["items"]
    gates = {one["metadata"]["name"]: Gate.of(one) for one in found}
    return {name: gate.marks for name, gate in gates.items() if gate.marks}
