"""Changes of rendered objects: a unified difference of each, masked and of bounded length."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from typing import Literal

from azora.config.json_object import Json
from azora.core.colors import Color
from azora.core.release.masked import masked_pair, secret_forms
from azora.core.release.rendered import Normal, object_name, texts
from azora.redaction import redacted

LINES_OF_ONE = 400
LINES_OF_ALL = 4_000
LINE_LETTERS = 1_000
COMPARED_LINES = 20_000  # of one object: more take seconds

_COLOR = re.compile(rf"(?<![A-Za-z])({'|'.join(Color)})(?![A-Za-z])")
_PODS = {"Deployment", "StatefulSet", "DaemonSet"}


@dataclass(frozen=True)
class ObjectChange:
    """One object that differs. *left_out*: number of further lines of the difference."""

    name: str
    how: Literal["added", "removed", "changed"]
    lines: tuple[str, ...]
    left_out: int = 0

    def count(self, sign: str) -> int:
        """Number of lines with *sign*, `+` or `-`."""
        return sum(line.startswith(sign) for line in self.lines)


def changes_of(
    before: Sequence[Json], after: Sequence[Json], same: Mapping[str, str] | None = None
) -> tuple[ObjectChange, ...]:
    """Objects that differ between two renderings, by name.

    *same*: texts of *before* that are expected to differ, such as the label of the release, and those of *after*.
    """
    secrets = secret_forms([*before, *after])
    old, new = (_plain(texts(found), secrets) for found in masked_pair(before, after))
    old = {_replaced(name, same or {}): _replaced(text, same or {}) for name, text in old.items()}
    names = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    return tuple(_change(name, old.get(name), new.get(name)) for name in names)


def bounded(changes: Sequence[ObjectChange], room: int = LINES_OF_ALL) -> tuple[ObjectChange, ...]:
    """*changes* with at most *room* lines together; each of them stays by name."""
    kept = []
    for change in changes:
        lines = change.lines[: max(room, 0)]
        kept.append(replace(change, lines=lines, left_out=change.left_out + len(change.lines) - len(lines)))
        room -= len(lines)
    return tuple(kept)


def restarted(before: Sequence[Json], after: Sequence[Json]) -> tuple[str, ...]:
    """Names of the workloads that are in both, and whose pods an upgrade would replace."""
    old, new = _templates(before), _templates(after)
    return tuple(name for name in sorted(old.keys() & new.keys()) if old[name] != new[name])


def differ_by_color(one: Normal, other: Normal) -> tuple[str, ...]:
    """Names of objects that differ between the renderings of two colors by more than the color's name."""
    old, new = ({_COLOR.sub("*", name): _COLOR.sub("*", text) for name, text in n.items()} for n in (one, other))
    return tuple(name for name in sorted({*old, *new}) if old.get(name) != new.get(name))


def _plain(found: Normal, secrets: frozenset[str]) -> dict[str, str]:
    return {name: redacted(text, secrets) for name, text in found.items()}


def _replaced(text: str, same: Mapping[str, str]) -> str:
    for old, new in same.items():
        text = text.replace(old, new)
    return text


def _change(name: str, old: str | None, new: str | None) -> ObjectChange:
    before, after = (old or "").splitlines(), (new or "").splitlines()
    if max(len(before), len(after)) > COMPARED_LINES:
        found = []
        left_out = len(before) + len(after)
    else:
        found = list(unified_diff(before, after, n=3, lineterm=""))[2:]  # the first two name files
        left_out = max(len(found) - LINES_OF_ONE, 0)
    how: Literal["added", "removed", "changed"] = "added" if old is None else "removed" if new is None else "changed"
    return ObjectChange(name, how, tuple(map(_cut, found[:LINES_OF_ONE])), left_out)


def _cut(line: str) -> str:
    more = len(line) - LINE_LETTERS
    return line if more <= 0 else f"{line[:LINE_LETTERS]}… ({more} more letters)"


def _templates(objects: Sequence[Json]) -> dict[str, object]:
    found = (one for one in objects if one.get("kind") in _PODS)
    return {object_name(one): (one.get("spec") or {}).get("template") for one in found}
