"""Catalog of an application's images in a registry; removal by digest.

Blobs stay until the registry frees them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from httpx import codes

from azora.config.json_object import Json
from azora.config.settings import Settings
from azora.core.retention import Item
from azora.errors import Refused
from azora.gateways.images.registry import Reference, accepted, asked, digest_of_answer

PAGE = 1000
_NO_CATALOG = (codes.UNAUTHORIZED, codes.FORBIDDEN, codes.NOT_FOUND, codes.METHOD_NOT_ALLOWED)
_OWN_RULES = "use the registry's own retention rules"


def images_in_registry(settings: Settings) -> list[Item]:
    """Tagged images of the application, one per digest, by build time; sizes include all layers.

    It is known by its digest, and as `<application>/<image>:<tag>`. Raises Unreachable, or Refused where the registry does
    not list what it has.
    """
    place = _registry(settings)
    below = f"{place.path}/{settings.application}/".removeprefix("/")
    found: dict[str, Item] = {}
    for repository in _names(place, "/v2/_catalog", "repositories"):
        if repository.startswith(below):
            short = repository.removeprefix(f"{place.path}/")
            for item in _images(replace(place, path=repository), short):
                found[item.name] = item
    return list(found.values())


def remove_image(image: Item, settings: Settings) -> bool:
    """Remove *image* with every tag of it from the registry. Raises Refused where it forbids that."""
    registry = _registry(settings)
    repository, _, digest = image.name.partition("@")
    place = replace(registry, path=f"{registry.path}/{repository}".removeprefix("/"))
    what = f"remove {place.by_digest(digest)!r}"
    answer = asked("DELETE", place, f"/v2/{place.path}/manifests/{digest}", what=what)
    if answer.status_code == codes.METHOD_NOT_ALLOWED:
        raise Refused(f"could not {what}: the registry forbids it", advice=f"allow deletion there, or {_OWN_RULES}")
    if answer.status_code != codes.NOT_FOUND:
        accepted(answer, place, what=what)
    return True


def _registry(settings: Settings) -> Reference:
    host, _, path = settings.registry.partition("/")
    return Reference(host, path, plain_http=settings.registry_plain_http, own=True, login=settings.registry_login)


def _images(repository: Reference, short: str) -> list[Item]:
    found: dict[str, Item] = {}
    for tag in _names(repository, f"/v2/{repository.path}/tags/list", "tags"):
        image = replace(repository, tag=tag)
        what = f"read {image.by_tag()!r}"
        answer = asked("GET", image, f"/v2/{image.path}/manifests/{tag}", what=what)
        if answer.status_code == codes.NOT_FOUND:  # removed meanwhile
            continue
        manifest, digest = accepted(answer, image, what=what).json(), digest_of_answer(answer)
        known = found.get(digest) or _item(image, f"{short}@{digest}", short, manifest)
        names = known.known_as | {digest, f"{short}:{tag}"}
        found[digest] = Item(known.name, known.at, known.size, short, names)
    return list(found.values())


def _item(image: Reference, name: str, group: str, manifest: Json) -> Item:
    layers: list[Json] = [*manifest.get("layers", []), manifest.get("config", {})]
    return Item(name, _built_at(image, manifest), sum(layer.get("size", 0) for layer in layers), group)


def _built_at(image: Reference, manifest: Json) -> datetime | None:
    """Time of the build, from the image's own configuration; None for an index of several."""
    what = f"read the configuration of {image.by_tag()!r}"
    if "digest" not in manifest.get("config", {}):
        return None
    answer = asked("GET", image, f"/v2/{image.path}/blobs/{manifest['config']['digest']}", what=what)
    created = accepted(answer, image, what=what).json().get("created")
    with suppress(TypeError, ValueError):
        at = datetime.fromisoformat(created)
        return at if at.tzinfo else None
    return None


def _names(place: Reference, path: str, key: str) -> Iterator[str]:
    """Page by page: https://distribution.github.io/distribution/spec/api/#pagination"""
    what = f"list {key} of {place.host}/{place.path}".rstrip("/")
    last = ""
    while True:
        answer = asked("GET", place, f"{path}?n={PAGE}{f'&last={quote(last)}' if last else ''}", what=what)
        if answer.status_code in _NO_CATALOG and key == "repositories":
            said = f"could not {what}: the registry refused (HTTP {answer.status_code})"
            raise Refused(said, advice=f"log in as a user who may list images, or {_OWN_RULES}")
        if answer.status_code == codes.NOT_FOUND:  # its last tag was removed, and the repository with it
            return
        names: list[str] = accepted(answer, place, what=what).json().get(key) or []
        yield from names
        if not names or 'rel="next"' not in answer.headers.get("Link", ""):
            return
        last = names[-1]
