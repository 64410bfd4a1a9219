"""Rendered objects in their normal form, its digest, and the difference between two of them.

What was shown is compared with what would be installed: without the values of Secrets, `checksum/…` annotations of pods and replicas.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from difflib import unified_diff
from typing import Any

import yaml

from azora.config.json_object import Json
from azora.core.messages.listing import capped

MASK = "(masked)"
SECRET_FIELDS = ("data", "stringData")
CHECKSUM = "checksum/"
SHOWN_LINES, SHOWN_NAMES, SHOWN_CHARACTERS = 40, 8, 160

Normal = Mapping[str, str]  # text by the object's kind and name


class _Dumper(yaml.CSafeDumper):
    """Text of several lines as such; no anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def normal(objects: Iterable[Json]) -> Normal:
    """Normal form of *objects*, in whatever order they were rendered."""
    return texts(map(_without_secrets, objects))


def texts(objects: Iterable[Json]) -> Normal:
    """Format *objects* as `normal` does, with values of Secrets as they are: mask them first."""
    found: dict[str, str] = {}
    for name, text in sorted((object_name(one), _text(_normal(one))) for one in objects):
        found[name] = (
            f"{found[name]}---\n{text}" if name in found else text
        )  # a hook may have the name of another object
    return found


def objects_of(found: Normal) -> list[Json]:
    """Objects of a normal form, with masked Secrets."""
    return [one for text in found.values() for one in yaml.load_all(text, Loader=yaml.CSafeLoader)]


def digest_of_objects(found: Normal) -> str:
    """SHA-256 (hex) of objects in their normal form."""
    return hashlib.sha256("".join(found.values()).encode()).hexdigest()


def difference(shown: Normal, now: Normal) -> str:
    """Names of the objects that differ, then the lines; empty where they are the same."""
    names = [name for name in sorted({*shown, *now}) if shown.get(name) != now.get(name)]
    lines = [line[:SHOWN_CHARACTERS] for name in names for line in _lines(name, shown.get(name, ""), now.get(name, ""))]
    return "\n".join([*capped(names, SHOWN_NAMES), *capped(lines, SHOWN_LINES)])


def _lines(name: str, shown: str, now: str) -> Iterator[str]:
    return unified_diff(shown.splitlines(), now.splitlines(), f"shown: {name}", f"now: {name}", n=2, lineterm="")


def _text(found: Json) -> str:
    return str(yaml.dump(found, Dumper=_Dumper, allow_unicode=True))


def object_name(found: Json) -> str:
    """Kind and name of *found*, as in `Deployment web`."""
    return f"{found.get('kind')} {(found.get('metadata') or {}).get('name')}"


def _without_secrets(found: Json) -> Json:
    if found.get("kind") != "Secret":
        return found
    return {key: _masked(value) if key in SECRET_FIELDS else value for key, value in found.items()}


def _normal(found: Json) -> Json:
    spec = found.get("spec")
    if isinstance(spec, dict) and isinstance(spec.get("template"), dict):
        return {**found, "spec": {**_without(spec, "replicas"), "template": _template(spec["template"])}}
    return found


def _masked(values: object) -> object:
    return dict.fromkeys(values, MASK) if isinstance(values, dict) else values


def _template(template: Json) -> Json:
    """*template* of pods without the hashes by which charts restart them."""
    metadata = template.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    kept = {key: value for key, value in annotations.items() if not key.startswith(CHECKSUM)}
    return {**template, "metadata": {**_without(metadata, "annotations"), **({"annotations": kept} if kept else {})}}


def _without(found: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != key}
