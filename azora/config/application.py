"""Typed form of `deployments/application.yaml`, the description of an application in its repository."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from azora.config.yaml_file import other_suffix, read_mapping
from azora.errors import BadInput

FILE = "deployments/application.yaml"
COLOR_HEADER = "X-Azora-Color"  # where an application names no other


def _folder(path: str) -> str:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or not path:
        raise ValueError("must be a path inside the repository, relative to its root")
    return str(parts)


def _inside(path: str) -> str:
    if _folder(path) == ".":
        raise ValueError("must be a path inside the repository, relative to its root")
    return _folder(path)


# Object names in the cluster are made of these: <application>-<color>-<service>, at most 63 characters.
Name = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=24)]
Inside = Annotated[str, AfterValidator(_inside)]
Folder = Annotated[str, AfterValidator(_folder)]  # the root too


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Service(_Strict):
    """One Deployment of a stack; `test` is the command of its unit tests, run at the root of the export.

    With `sources`, all that they look at, a pass holds for every commit that has the very same ones.
    """

    name: Name
    test: tuple[str, ...] = ()
    sources: tuple[Inside, ...] = ()


class Image(_Strict):
    """One image: built from `dockerfile` in `context`, with `sources` as its only content.

    `chart` is the chart that runs it.

    Without `sources`, from all of the context that its ignore file does not name.
    """

    name: Name
    context: Folder
    dockerfile: Inside
    sources: tuple[Inside, ...] = ()
    chart: Literal["stack", "data"] = "stack"

    @model_validator(mode="after")
    def _within_context(self) -> Image:
        inside = PurePosixPath(self.context)
        outside = [s for s in self.sources if not PurePosixPath(s).is_relative_to(inside)]
        if outside:
            raise ValueError(f"sources outside the context {self.context!r}: {', '.join(outside)}")
        return self


class Charts(_Strict):
    """Folders of the Helm charts; `data` serves environments without their own PostgreSQL and Redis."""

    stack: Inside
    router: Inside
    data: Inside | None = None

    @model_validator(mode="after")
    def _distinct(self) -> Charts:
        names = [PurePosixPath(path).name for _, path in self if path]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two folders are named {twice[0]!r}: both would read the same values")
        return self


class SecretKey(_Strict):
    """One value of a Secret in the environment's namespace."""

    name: str = Field(pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
    key: str = Field(pattern=r"^[-._a-zA-Z0-9]+$")


class Suites(_Strict):
    """Folders of the suites that test a deployed platform.

    The end-to-end cases, if any, receive `secret`.
    """

    smoke: Inside
    e2e: Inside | None = None
    secret: SecretKey | None = None

    def folder(self, name: Literal["e2e", "smoke"]) -> str:
        """Raises BadInput where the application has no such cases."""
        folder = {"e2e": self.e2e, "smoke": self.smoke}[name]
        if folder is None:
            raise BadInput(
                f"could not run the {name} cases: the application has no such suite",
                advice=f"name their folder in suites.{name} of {FILE}",
            )
        return folder


class ProbedPath(_Strict):
    """Requests of the probe: a cheap path, the header with the color, headers to send.

    `color_header: none` is for an application that names none: its receipts count only.
    """

    path: str = Field(pattern=r"^/")
    color_header: Annotated[str, Field(pattern=r"^[-!#$%&'*+.^_`|~A-Za-z0-9]+$")] | None = COLOR_HEADER
    headers: dict[Annotated[str, Field(pattern=r"^[-A-Za-z0-9]+$")], SecretKey] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, read: object) -> object:
        """A path alone is the short form; `none` is no header."""
        if isinstance(read, str):
            return {"path": read}
        if isinstance(read, dict) and read.get("color_header") == "none":
            return {**read, "color_header": None}
        return read


class Application(_Strict):
    """Everything Azora knows about the platform it releases.

    `waits_for` are kinds of custom resources in the stack's chart that must be ready before the preview is.
    """

    name: Name
    edge: Name
    services: tuple[Service, ...] = Field(min_length=1)
    images: tuple[Image, ...] = Field(min_length=1)
    charts: Charts
    values: Inside
    migrations: Inside | None = None
    health: str = Field(pattern=r"^/")
    probe: ProbedPath
    suites: Suites
    waits_for: tuple[Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")], ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Application:
        for key, names in (("services", self.service_names), ("images", [i.name for i in self.images])):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{key}: named twice: {', '.join(twice)}")
        if self.edge not in self.service_names:
            raise ValueError(f"edge: {self.edge!r} is none of the services {', '.join(self.service_names)}")
        return self

    @property
    def service_names(self) -> list[str]:
        return [service.name for service in self.services]

    def paths(self) -> Iterator[tuple[str, str]]:
        """Every key that names a file or folder of the repository, with that path."""
        for number, service in enumerate(self.services):
            yield from ((f"services.{number}.sources", source) for source in service.sources)
        for number, image in enumerate(self.images):
            yield f"images.{number}.context", image.context
            yield f"images.{number}.dockerfile", image.dockerfile
            yield from ((f"images.{number}.sources", source) for source in image.sources)
        named = {f"charts.{key}": path for key, path in self.charts}
        named |= {"values": self.values, "migrations": self.migrations}
        named |= {"suites.smoke": self.suites.smoke, "suites.e2e": self.suites.e2e}
        yield from ((key, path) for key, path in named.items() if path)


def load_application(folder: Path) -> Application:
    """Read `deployments/application.yaml` of the commit exported to *folder*.

    Raises BadInput with one line per wrong key, naming file and key, also for a path that the commit does not have.
    """
    file = folder / FILE
    try:
        read = read_mapping(file, shown=repr(FILE))
    except FileNotFoundError:
        alike = other_suffix(file.parent, file.stem)
        advice = (
            f"rename {alike.name} to {file.name}"
            if alike
            else "commit this file; Azora's own repository has an example"
        )
        raise _bad("the commit has no such file", advice) from None
    application = _validated(read)
    missing = [
        f"{key}: {path!r} is not in this commit" for key, path in application.paths() if not (folder / path).exists()
    ]
    if missing:
        raise _bad("; ".join(missing), "commit the path or correct the key")
    return application


def _validated(read: object) -> Application:
    try:
        return Application.model_validate_json(json.dumps(read, default=str))
    except ValidationError as error:
        raise _bad(
            "; ".join(map(_line, error.errors())), "docs/configuration.md lists every key of this file"
        ) from None


def _line(error: ErrorDetails) -> str:
    key = ".".join(str(part) for part in error["loc"])
    known = {"extra_forbidden": "unknown key", "missing": "is required"}
    text = known.get(error["type"], error["msg"].removeprefix("Value error, "))
    return f"{key}: {text}" if key else text


def _bad(what: str, advice: str) -> BadInput:
    return BadInput(f"could not read {FILE!r}: {what}", advice=advice)
