"""Objects of the router: those of the preview alone, and ports of the live Service in use."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from azora.config.json_object import Json
from azora.core.cluster.ownership import HOOK


def of_preview(objects: Iterable[Json], application: str, preview_host: str, live_host: str) -> Iterator[Json]:
    """Objects that name the preview's Service or host and nothing that users meet.

    The preview's Service is one of them.
    """
    preview = f"{application}-preview"
    for found in objects:
        metadata, texts = found.get("metadata") or {}, set(_texts(found.get("spec")))
        if HOOK in (metadata.get("annotations") or {}):
            continue
        if found.get("kind") == "Service":
            is_the_previews = metadata.get("name") == preview
        else:
            is_the_previews = bool(texts & {preview, preview_host}) and not texts & {application, live_host}
        if is_the_previews:
            yield found


def lost_ports(ingresses: Iterable[Json], service: str, ports: Collection[Json]) -> Iterator[str]:
    """Ports of *service* that *ingresses* send users to, and that its *ports* lack.

    Each with the name of the Ingress.
    """
    known = {one.get("port") for one in ports} | {one.get("name") for one in ports}
    for ingress in ingresses:
        for backend in _backends(ingress.get("spec") or {}):
            port = backend.get("port") or {}
            named = port.get("name") or port.get("number")
            if backend.get("name") == service and named not in known:
                yield f"Ingress {ingress['metadata']['name']} sends users to port {named} of Service {service}"


def _backends(spec: Json) -> Iterator[Json]:
    """The Services that an Ingress names."""
    rules = (rule.get("http") or {} for rule in spec.get("rules") or ())
    backends = [path.get("backend") or {} for http in rules for path in http.get("paths") or ()]
    for backend in (spec.get("defaultBackend") or {}, *backends):
        yield backend.get("service") or {}


def _texts(value: object) -> Iterator[str]:
    """Every text in *value*."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
