"""Rendered manifests, read as Helm and Kubernetes read them.

By the scalars of go-yaml, which are neither YAML 1.1 nor 1.2.

https://github.com/kubernetes-sigs/yaml/blob/master/goyaml.v2/resolve.go
"""

from __future__ import annotations

import re
from base64 import b64decode
from math import isinf
from typing import Any

import yaml

from azora.core.cluster.ownership import each_of, is_only_test
from azora.core.release.values import Values
from azora.errors import BadInput

_BOOLS = dict.fromkeys(("y", "yes", "true", "on"), True) | dict.fromkeys(("n", "no", "false", "off"), False)
_WHOLE = re.compile(r"[-+]?(0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_UINT64 = 2**64
_SOURCE = re.compile(r"^---\n# Source: (.+)\n", re.MULTILINE)  # Helm writes it above each document
_CRDS = re.compile(r"[^/]+(/charts/[^/]+)*/crds/")


class _Loader(yaml.CSafeLoader):
    """The scalars of go-yaml; a mapping's keys are text, as in JSON."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - none of PyYAML's
    yaml_constructors = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The entries of *node*, those merged by `<<` too."""
        self.flatten_mapping(node)
        pairs = ((self.construct_object(key, deep=True), value) for key, value in node.value)
        return {_key(key): self.construct_object(value, deep=deep) for key, value in pairs}


def rendered_objects(output: str) -> list[Values]:
    """Objects that Helm would install, of the *output* of `helm template --include-crds`.

    Lists are taken apart; tests, which `helm test` alone runs, are left out.

    Raises:
        BadInput: with the template, for what is no object of Kubernetes, and for the folder `crds`.
    """
    _, *parts = _SOURCE.split(output)
    found = (one for source, text in zip(parts[::2], parts[1::2], strict=True) for one in _objects(source, text))
    return [one for one in found if not is_only_test(one)]


def _objects(source: str, text: str) -> list[Values]:
    """Objects of *text*, which *source* renders."""
    if _CRDS.match(source):
        raise BadInput(
            f"could not use {source!r}: Helm installs the folder crds once, for the whole cluster, and never upgrades it",
            advice="remove the folder from the chart, and apply its files before the release, as who may: `kubectl apply --server-side -f`",
        )
    try:
        objects = list(each_of(read_objects(text)))
    except yaml.YAMLError as error:
        why = " ".join(str(error).split())
        raise BadInput(f"could not read what {source!r} renders: {why}", advice="correct the YAML") from None
    for found in objects:
        if lacking := _lacking(found):
            raise BadInput(
                f"could not use {found!r:.80} of {source!r}: it has no {' and no '.join(lacking)}",
                advice="add it: Helm applies each object by its kind and name, and makes up no name (`generateName`)",
            )
    return objects


def _lacking(found: object) -> list[str]:
    there = found if isinstance(found, dict) else {}
    metadata = there.get("metadata")
    named = {**there, "metadata.name": metadata.get("name") if isinstance(metadata, dict) else None}
    return [key for key in ("apiVersion", "kind", "metadata.name") if not named.get(key)]


def read_objects(manifests: str) -> list[Values]:
    """Objects of *manifests*, documents of YAML; empty ones are left out."""
    return [found for found in yaml.load_all(manifests, Loader=_Loader) if found]


def _key(key: object) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    return str(key)


def _as_written(loader: _Loader, node: yaml.Node) -> object:
    """Value of *node*, whatever its tag is: `!Sub 010` is text."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else node.value


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
_Loader.add_constructor(None, _as_written)
_Loader.add_constructor("tag:yaml.org,2002:null", lambda *_: None)
for _tag in ("!number", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
    _Loader.add_constructor(_tag, _number)
_Loader.add_constructor("tag:yaml.org,2002:binary", lambda _, node: b64decode(node.value).decode(errors="replace"))
_Loader.add_constructor("tag:yaml.org,2002:bool", lambda _, node: _BOOLS[node.value.lower()])
