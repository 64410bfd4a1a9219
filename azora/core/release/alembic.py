"""Alembic's revision files, read as text: a release's code is never imported here."""

from __future__ import annotations

import ast
import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from configparser import Error as ConfigParserError
from configparser import RawConfigParser
from dataclasses import dataclass, replace
from functools import lru_cache
from heapq import heapify, heappop, heappush
from pathlib import PurePosixPath

from azora.core.messages.listing import capped
from azora.core.release.migrations import Migration
from azora.errors import BadInput

PHASES = ("expand", "contract")

SHOWN_FILES = 8

_COMPUTED = object()
_READ = ("revision", "down_revision", "depends_on", "branch_labels", "contracts")


@dataclass(frozen=True)
class _Revision:
    """Revision of one file; `after` are the revisions it builds on, `labels` its branch labels."""

    file: str
    id: str
    after: tuple[str, ...]
    depends_on: tuple[str, ...]
    labels: tuple[str, ...]
    phase: object
    contracts: object


def in_versions(files: Mapping[str, bytes], versions: str) -> dict[str, bytes]:
    """Those of *files* (path to content) that are in the folder *versions* itself.

    Raises:
        BadInput: another one is a revision, so that Alembic is set to read further folders.
    """
    here = {file: text for file, text in files.items() if str(PurePosixPath(file).parent) == versions}
    if strayed := [file for file in sorted(files.keys() - here.keys()) if _looks_like_a_revision(files[file])]:
        raise _bad(
            f"revisions outside of {versions!r}: {', '.join(capped(strayed, SHOWN_FILES))}",
            "Azora reads this folder alone: move them into it, or out of `migrations` if Alembic shall not run them",
        )
    return here


def must_be_alone(configuration: str, text: str, migrations: str) -> None:
    """Raise BadInput where Alembic's *configuration* (a path) names folders outside of *migrations*."""
    here, further = posixpath.dirname(configuration), []
    for section in _sections(configuration, text):
        if _places(section.get("script_location"), here) == [migrations]:
            places = _places(section.get("version_locations"), here)
            further += [place for place in places if not PurePosixPath(place).is_relative_to(migrations)]
    if further:
        raise _bad(
            f"{configuration}: version_locations outside of {migrations!r}: {', '.join(capped(further, SHOWN_FILES))}",
            "Azora reads the folder `versions` of `migrations` alone: move them into it",
        )


def migrations_of(files: Mapping[str, str | bytes]) -> tuple[Migration, ...]:
    """The migrations that *files* (name to text) make, in the order they run in.

    Raises:
        BadInput: with a line per file that says neither expand nor contract, or a contract that follows no expand.
    """
    revisions = _in_order(_revisions(files))
    if wrong := list(_faults(revisions)):
        raise _bad(
            "; ".join(wrong),
            'set `phase = "expand"` or `phase = "contract"`, and in a contract `contracts = "<the expand it follows>"`',
        )
    return tuple(
        Migration.model_validate({"revision": one.id, "phase": one.phase, "contracts": one.contracts})
        for one in revisions
    )


def heads_of(files: Mapping[str, str | bytes]) -> tuple[str, ...]:
    """Revisions that no other builds on, sorted."""
    revisions = _revisions(files)
    built_on = {before for one in revisions for before in one.after}
    return tuple(sorted({one.id for one in revisions} - built_on))


def _sections(configuration: str, text: str) -> list[Mapping[str, object]]:
    """Sections of an alembic.ini, or [tool.alembic] of a pyproject.toml; none of a broken file."""
    try:
        if configuration.endswith(".toml"):
            return [tomllib.loads(text).get("tool", {}).get("alembic", {})]
        read = RawConfigParser(strict=False)
        read.read_string(text)
    except (ConfigParserError, ValueError):
        return []
    return [dict(read[name]) for name in read.sections()]


def _places(value: object, here: str) -> list[str]:
    """Paths in the repository of one key, whatever separates them."""
    parts = value if isinstance(value, list) else re.split(r"[\s,;:]+", str(value or ""))
    return [posixpath.normpath(posixpath.join(here, str(part).replace("%(here)s", "."))) for part in parts if part]


def _revisions(files: Mapping[str, str | bytes]) -> list[_Revision]:
    """Revisions of *files* by name; a branch label in `depends_on` is the revision that declares it."""
    found = [one for file, text in sorted(files.items()) if (one := _read(file, text))]
    labelled = {label: one.id for one in found for label in one.labels}
    return [replace(one, after=(*one.after, *(labelled.get(name, name) for name in one.depends_on))) for one in found]


@lru_cache(maxsize=4096)
def _read(file: str, text: str | bytes) -> _Revision | None:
    """None for a file that Alembic passes over. Bytes are decoded as Python decodes source code."""
    if PurePosixPath(file).name.startswith(("__init__", ".#")):
        return None
    try:
        said = dict(_assigned(ast.parse(text)))
    except (SyntaxError, ValueError) as error:
        raise _bad(f"{file}: {error}", "correct the file") from error
    if computed := [name for name in _READ if said.get(name) is _COMPUTED]:
        raise _bad(f"{file}: {' and '.join(computed)} computed", "write the value itself, Azora runs no revision file")
    if not isinstance(said.get("revision"), str):
        raise _bad(
            f"{file}: it has no `revision`", "set `revision`, or move the file out of the folder, as for Alembic"
        )
    after, needed, labels = (_names(said.get(name)) for name in ("down_revision", "depends_on", "branch_labels"))
    return _Revision(file, str(said["revision"]), after, needed, labels, said.get("phase"), said.get("contracts"))


def _looks_like_a_revision(text: bytes) -> bool:
    """Return True for a Python file that assigns both names that Alembic needs."""
    if b"down_revision" not in text:
        return False
    try:
        return dict(_assigned(ast.parse(text))).keys() >= {"revision", "down_revision"}
    except (SyntaxError, ValueError):
        return False


def _assigned(module: ast.Module) -> Iterator[tuple[str, object]]:
    """Names that *module* binds at its top, each with its plain value or _COMPUTED."""
    known: dict[str, object] = {}
    for node in module.body:
        for name, value in _bound(node, known):
            known[name] = value
            yield name, value


def _bound(node: ast.stmt, known: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    plain = {target.id for target in targets if isinstance(target, ast.Name)}
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
        yield from ((name, _value(node.value, known)) for name in plain)
    for inner in ast.walk(node):
        name = inner.id if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store) else ""
        name = (inner.asname or inner.name) if isinstance(inner, ast.alias) else name
        if name and name not in plain:
            yield name, _COMPUTED


def _value(node: ast.expr, known: Mapping[str, object]) -> object:
    """Value of a literal, of a name that has one, or of a list of both."""
    if isinstance(node, ast.Name):
        return known.get(node.id, _COMPUTED)
    if isinstance(node, ast.Tuple | ast.List):
        values = tuple(_value(one, known) for one in node.elts)
        return _COMPUTED if _COMPUTED in values else values
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return _COMPUTED


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(map(str, value)) if isinstance(value, list | tuple | set) else ()


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
