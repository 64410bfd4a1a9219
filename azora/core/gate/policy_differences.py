"""Comparison of the gate's policies in a cluster with the files of this version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/validating-admission-policy-v1/
_DEFAULTS: Mapping[str, Any] = {
    "failurePolicy": "Fail",
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "scope": "*",
}


def differences(pairs: Iterable[tuple[Mapping[str, Any], Mapping[str, Any] | None]]) -> Iterator[str]:
    """One line for each object of the files that the cluster lacks, or has otherwise.

    *pairs*: the object of the file, and that of the cluster.
    """
    for wanted, found in pairs:
        name = f"{wanted['kind']} {wanted['metadata']['name']}"
        if found is None:
            yield f"{name} is missing"
        elif changed := _changed(wanted["spec"], found.get("spec") or {}):
            yield f"{name} is not as in this version: {', '.join(changed)}"


def _changed(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Fields of the spec that differ, the API server's defaults aside."""
    one, other = _plain(wanted), _plain(found)
    return sorted(key for key in {*one, *other} if one.get(key) != other.get(key))


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """*value* without what the API server adds to it."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    plain = {key: _plain(one) for key, one in value.items()}
    return {key: one for key, one in plain.items() if key not in _DEFAULTS or one != _DEFAULTS[key]}
