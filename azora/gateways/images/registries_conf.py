"""Names and mirrors of base images, as buildah finds them in registries.conf.

https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from azora.errors import BadInput
from azora.gateways.images.registry import Reference

SYSTEM = Path("/etc/containers")
REMEMBERED = Path("/var/cache/containers/short-name-aliases.conf")  # root's; another user's is in the user's cache


class _Mirror(BaseModel):
    location: str
    insecure: bool = False
    pulls: Literal["", "all", "digest-only", "tag-only"] = Field("all", alias="pull-from-mirror")


class _Registry(BaseModel):
    prefix: str = ""
    location: str = ""
    insecure: bool = False
    mirrors: tuple[_Mirror, ...] = Field((), alias="mirror")
    by_digest_only: bool = Field(False, alias="mirror-by-digest-only")

    @property
    def start(self) -> str:
        return self.prefix or self.location

    def matched(self, place: str) -> int:
        """Letters of *place* (`host/path`) that the location of a mirror stands for; 0 for another's."""
        host = place.partition("/")[0]
        if self.start.startswith("*."):
            return len(host) if host.endswith(self.start[1:]) else 0
        return len(self.start) if f"{place}/".startswith(f"{self.start}/") else 0


class _Configuration(BaseModel):
    search: tuple[str, ...] | None = Field(None, alias="unqualified-search-registries")
    aliases: dict[str, str] = Field(default_factory=dict)
    registries: tuple[_Registry, ...] = Field((), alias="registry")


def full_names(name: str) -> list[str]:
    """Names that the image *name* of a Dockerfile may stand for, the first that is there counts.

    A short name that no file knows stays as it is: Docker's hub has it.
    """
    first, separator, _ = name.partition("/")
    if separator and ({".", ":"} & set(first) or first == "localhost"):
        return [name]
    known = _configuration()
    short = re.split("[:@]", name, maxsplit=1)[0]
    if alias := known.aliases.get(short):
        return [alias + name.removeprefix(short)]
    return [f"{registry}/{name}" for registry in known.search or ()] or [name]


def sources(image: Reference) -> Iterator[Reference]:
    """Places of *image* by its tag: the mirrors in their order, then its registry."""
    place = f"{image.host}/{image.path}"
    fitting = [one for one in _configuration().registries if one.matched(place)]
    if not fitting:
        yield image
        return
    registry = max(fitting, key=lambda one: len(one.start))
    rest = place[registry.matched(place) :]
    for mirror in registry.mirrors:
        if mirror.pulls != "digest-only" and not registry.by_digest_only:
            yield _at(image, mirror.location + rest, mirror.insecure)
    yield _at(image, registry.location + rest, registry.insecure) if registry.location else image


def _at(image: Reference, place: str, insecure: bool) -> Reference:
    if place == f"{image.host}/{image.path}":
        return replace(image, plain_http=image.plain_http or insecure)
    host, _, path = place.partition("/")
    return replace(image, host=host, path=path, plain_http=insecure, own=False, login=None)


def _configuration() -> _Configuration:
    """All files as one; a later one has priority, by name of an alias and by prefix of a registry."""
    read = [_read(file) for file in _files()]
    searched = [one.search for one in read if one.search is not None]
    return _Configuration.model_validate(
        {
            "unqualified-search-registries": searched[-1] if searched else None,
            "aliases": {name: value for one in read for name, value in one.aliases.items()},
            "registry": list({registry.start: registry for one in read for registry in one.registries}.values()),
        }
    )


def _files() -> Iterator[Path]:
    home = Path.home() / ".config/containers"
    own = home / "registries.conf"
    yield Path(os.environ.get("CONTAINERS_REGISTRIES_CONF") or (own if own.exists() else SYSTEM / "registries.conf"))
    for folder in (SYSTEM, home):
        yield from sorted((folder / "registries.conf.d").glob("*.conf"))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    yield cache / "containers/short-name-aliases.conf" if os.getuid() else REMEMBERED


def _read(file: Path) -> _Configuration:
    try:
        return _Configuration.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return _Configuration()
    except (OSError, ValueError) as error:
        said = str(error)
        if isinstance(error, ValidationError):
            said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise BadInput(
            f"could not read {str(file)!r}: {said}", advice="correct the file: containers-registries.conf(5)"
        ) from None
