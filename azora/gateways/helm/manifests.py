"""Rendered manifests, read as Helm and Kubernetes read them.

By the scalars of go-yaml, which are neither YAML 1.1 nor 1.2.

https://github.com/kubernetes-sigs/yaml/blob/master/goyaml.v2/resolve.go
"""

from __future__ import annotations

import re
from math import isinf
from typing import Any

import yaml

from azora.core.release.values import Values

_BOOLS = dict.fromkeys(("y", "yes", "true", "on"), True) | dict.fromkeys(("n", "no", "false", "off"), False)
_WHOLE = re.compile(r"[-+]?(0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_UINT64 = 2**64


class _Loader(yaml.CSafeLoader):
    """The scalars of go-yaml; a mapping's keys are text, as in JSON."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - none of PyYAML's

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The entries of *node*, those merged by `<<` too."""
        self.flatten_mapping(node)
        pairs = ((self.construct_object(key, deep=True), value) for key, value in node.value)
        return {_key(key): self.construct_object(value, deep=deep) for key, value in pairs}


def read_objects(manifests: str) -> list[Values]:
    """Objects of *manifests*, documents of YAML; empty ones are left out."""
    return [found for found in yaml.load_all(manifests, Loader=_Loader) if found]


def _key(key: object) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    return str(key)


def _number(_: _Loader, node: yaml.ScalarNode) -> int | float | str:
    plain = node.value.replace("_", "")
    if found := _WHOLE.fullmatch(plain):
        digits = found["hex"] or found["bin"] or found["oct"]
        base = 16 if found["hex"] else 2 if found["bin"] else 8
        number = int(digits, base) * (-1 if plain.startswith("-") else 1) if digits else int(plain)
        return number if -_UINT64 // 2 <= number < _UINT64 else float(number)
    if _FLOAT.fullmatch(plain) and not isinf(value := float(plain)):
        return int(value) if value.is_integer() and abs(value) < _UINT64 else value
    return str(node.value)


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(~|null|Null|NULL|)$"), [*"~nN", ""])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool",
    re.compile("(" + "|".join(f"{word}|{word.title()}|{word.upper()}" for word in _BOOLS) + ")$"),
    list("yYtToOnNfF"),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile("<<$"), ["<"])
_Loader.add_implicit_resolver("!number", re.compile(r"[-+.0-9]"), list("-+.0123456789"))
_Loader.add_constructor("!number", _number)
_Loader.add_constructor("tag:yaml.org,2002:bool", lambda _, node: _BOOLS[node.value.lower()])
