"""Alembic's revision files, read as text: a release's code is never imported here."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heappop, heappush

from azora.core.release.migrations import Migration
from azora.errors import BadInput

PHASES = ("expand", "contract")


@dataclass(frozen=True)
class _Revision:
    """Revision of one file; `after` are the revisions it builds on."""

    file: str
    id: str
    after: tuple[str, ...]
    phase: object
    contracts: object


def migrations_of(files: Mapping[str, str]) -> tuple[Migration, ...]:
    """The migrations that *files* (name to text) make, in the order they run in.

    Raises:
        BadInput: with a line per file that says neither expand nor contract, or a contract that follows no expand.
    """
    revisions = _in_order([found for file, text in sorted(files.items()) if (found := _read(file, text))])
    if wrong := list(_faults(revisions)):
        raise _bad(
            "; ".join(wrong),
            'set `phase = "expand"` or `phase = "contract"`, and in a contract `contracts = "<the expand it follows>"`',
        )
    return tuple(
        Migration.model_validate({"revision": one.id, "phase": one.phase, "contracts": one.contracts})
        for one in revisions
    )


def heads_of(files: Mapping[str, str]) -> tuple[str, ...]:
    """Revisions that no other builds on, sorted."""
    revisions = [found for file, text in files.items() if (found := _read(file, text))]
    built_on = {before for one in revisions for before in one.after}
    return tuple(sorted({one.id for one in revisions} - built_on))


@lru_cache(maxsize=4096)
def _read(file: str, text: str) -> _Revision | None:
    """None for a file that is no revision."""
    try:
        said = dict(_constants(ast.parse(text)))
    except (SyntaxError, ValueError) as error:
        raise _bad(f"{file}: {error}", "correct the file") from error
    if not isinstance(said.get("revision"), str):
        return None
    after = (*_names(said.get("down_revision")), *_names(said.get("depends_on")))
    return _Revision(file, str(said["revision"]), after, said.get("phase"), said.get("contracts"))


def _constants(module: ast.Module) -> Iterable[tuple[str, object]]:
    """Names that *module* gives a plain value at its top."""
    for node in module.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name):
                yield target.id, _value(node.value)  # type: ignore[attr-defined]


def _value(node: ast.expr | None) -> object:
    try:
        return ast.literal_eval(node) if node else None
    except ValueError:  # computed, so not for us to know
        return None


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _in_order(revisions: list[_Revision]) -> list[_Revision]:
    """Sort each after what it builds on, else in the given order.

    Raises BadInput where that is missing, a circle, or there twice.
    """
    first = {one.id: number for number, one in reversed(list(enumerate(revisions)))}
    missing = [len(set(one.after)) for one in revisions]
    builders: dict[str, list[int]] = {}
    for number in first.values():
        for before in set(revisions[number].after):
            builders.setdefault(before, []).append(number)
    ready = [number for number in first.values() if not missing[number]]
    heapify(ready)
    placed: list[_Revision] = []
    while ready:
        one = revisions[heappop(ready)]
        placed.append(one)
        for number in builders.get(one.id, ()):
            missing[number] -= 1
            if not missing[number]:
                heappush(ready, number)
    if len(placed) < len(revisions):
        known = {id(one) for one in placed}
        waiting = [one for one in revisions if id(one) not in known]
        lost = [f"{one.file} is {one.id} after {', '.join(one.after) or 'nothing'}" for one in waiting]
        raise _bad("; ".join(lost), "commit the missing revision, or correct `revision` and `down_revision`")
    return placed


def _faults(revisions: list[_Revision]) -> Iterator[str]:
    """Faults of *revisions*, which are in their order."""
    expands: set[str] = set()
    for one in revisions:
        if one.phase not in PHASES:
            yield f"{one.file}: its phase is neither expand nor contract"
        elif one.phase == "expand":
            expands.add(one.id)
            if one.contracts is not None:
                yield f"{one.file}: an expand contracts nothing"
        elif one.contracts not in expands:
            yield f"{one.file}: it contracts {one.contracts!r}, which is no expand before it"


def _bad(what: str, advice: str) -> BadInput:
    return BadInput(f"could not read the migrations: {what}", advice=advice)
