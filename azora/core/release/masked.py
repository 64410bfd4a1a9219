"""Masks of rendered objects: values of Secrets, and of keys that are called like one.

Of two renderings a value that differs is marked as such; neither value is shown.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from azora.config.json_object import Json
from azora.core.release.rendered import MASK, SECRET_FIELDS, object_name
from azora.redaction import forms_of

CHANGED = "(masked, another value)"

_CALLED = r"pass(?:word|wd|phrase)|secret|token|credential|api[-_]?key|private[-_]?key|access[-_]?key|auth[-_]?string"
_SECRET_NAME = re.compile(_CALLED, re.IGNORECASE)
# Places, lengths and times of secrets are none.
_HARMLESS_NAME = re.compile(r"(file|path|name|ref|url|length|seconds|minutes|hours|days|ttl|header)$", re.IGNORECASE)
_ASSIGNED = re.compile(rf"""((?:{_CALLED})s?["']?\s*[:=]\s*["']?)([^\s"',;&]+)""", re.IGNORECASE)

Place = tuple[str, ...]
Mark = Callable[[Place, object], str]


def masked_pair(before: Iterable[Json], after: Iterable[Json]) -> tuple[list[Json], list[Json]]:
    """Mask both renderings; a value *after* that is not the one *before* is marked as another one."""
    known: dict[Place, object] = {}

    def remember(place: Place, value: object) -> str:
        known[place] = value
        return MASK

    def compare(place: Place, value: object) -> str:
        return MASK if known.get(place, value) == value else CHANGED

    return [_object(one, remember) for one in before], [_object(one, compare) for one in after]


def secret_forms(objects: Sequence[Json]) -> frozenset[str]:
    """Forms of the values that the Secrets among *objects* hold.

    A value that is part of an object's name, such as the name of the application, is no secret.
    """
    names = " ".join(map(object_name, objects)).lower()
    values = {value for one in objects if one.get("kind") == "Secret" for value in _values(one)}
    return forms_of(value for value in values if value.lower() not in names)


def _object(found: Json, mark: Mark) -> Json:
    place = (object_name(found),)
    secret = found.get("kind") == "Secret"
    return {
        key: _all(value, (*place, key), mark)
        if secret and key in SECRET_FIELDS
        else _masked(value, (*place, key), mark)
        for key, value in found.items()
    }


def _all(values: object, place: Place, mark: Mark) -> object:
    return {key: mark((*place, key), value) for key, value in values.items()} if isinstance(values, dict) else values


def _masked(value: Any, place: Place, mark: Mark) -> Any:  # noqa: ANN401 - whatever YAML holds
    if isinstance(value, dict):
        named = value.get("name") if "value" in value else None  # a container's variable
        return {
            key: mark((*place, str(named), key), inner)
            if _is_secret(named if named and key == "value" else key, inner)
            else _masked(inner, (*place, str(named or ""), key), mark)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner, (*place, str(number)), mark) for number, inner in enumerate(value)]
    return _line(value, place, mark) if isinstance(value, str) else value


def _line(text: str, place: Place, mark: Mark) -> str:
    """*text* without what it assigns to names of secrets."""
    return _ASSIGNED.sub(lambda found: found[1] + mark((*place, found[1]), found[2]), text)


def _is_secret(name: object, value: object) -> bool:
    plain = isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
    called = str(name)
    return plain and bool(_SECRET_NAME.search(called)) and not _HARMLESS_NAME.search(called)


def _values(secret: Json) -> Iterator[str]:
    for field in SECRET_FIELDS:
        for value in (secret.get(field) or {}).values():
            yield str(value)
            if field == "data":
                yield from _decoded(str(value))


def _decoded(value: str) -> Iterator[str]:
    try:
        yield base64.b64decode(value, validate=True).decode()
    except ValueError:  # bytes, or no base64
        return
