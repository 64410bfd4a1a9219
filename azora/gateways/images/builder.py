"""Images: built with buildah from declared files, found by content hash, deployed by digest.

The registry is not trusted: a tag of it counts where it is what Azora recorded when it pushed the image.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from azora.config.application import Image
from azora.config.settings import Settings
from azora.errors import AzoraError, BuildFailed, NotReadyYet, Refused, Unreachable
from azora.gateways.images import build_context, package_index
from azora.gateways.images.base_images import BASE, apart_from_stages, pinned_base, pinned_images
from azora.gateways.images.buildah import buildah, forget_old, layers_kept, storage_folder, version_of_buildah
from azora.gateways.images.image_tag import content_tag
from azora.gateways.images.registry import Reference, digest_of_target
from azora.gateways.images.registry_login import file_for_buildah
from azora.host.locks import only_one
from azora.host.process import Completed
from azora.host.writes import System, writing

BUILD_TIMEOUT_SECONDS = 1800.0
PUSH_TIMEOUT_SECONDS = 600.0
KEPT_LOCALLY = 3

_CACHE_CHANGED = "layer not known"
_NO_RIGHT = re.compile(r"unauthorized|authentication required|insufficient_scope|\bdenied: |403 \(?Forbidden")
_NETWORK = re.compile(r"pinging container registry|connection refused|no route to host|i/o timeout|no such host")


class Record(Protocol):
    """Digests that Azora pushed, out of reach of whoever may push to the registry."""

    def digest(self, image: str, tag: str) -> str | None: ...

    def add(self, image: str, tag: str, digest: str) -> None: ...


@dataclass(frozen=True)
class Doubt:
    """A tag that is not what Azora recorded; *recorded* is None where it recorded nothing."""

    target: str
    found: str
    recorded: str | None

    def __str__(self) -> str:
        if self.recorded is None:
            return f"{self.target} is in the registry, and not in the record of built images: it is built again"
        return (
            f"{self.target} is {self.found} in the registry, and Azora pushed {self.recorded}: somebody else pushed over"
            " this tag; it is built again"
        )


@dataclass(frozen=True)
class Built:
    """An image in the registry; `reused` says that it was there already, `seconds` what it took."""

    name: str
    reference: str
    tag: str
    reused: bool
    seconds: float


@dataclass(frozen=True)
class _Bases:
    """Base images of a build by digest: *given* for BASE, *named* by the Dockerfile."""

    given: str
    named: dict[str, str]
    references: tuple[Reference, ...]

    @classmethod
    def of(cls, image: Image, export: Path, settings: Settings) -> _Bases:
        given = pinned_base(settings)
        named = pinned_images(image, export, given, settings)
        references = [Reference.parse(one, settings) for one in (given, *named.values()) if one]
        return cls(given, named, tuple(references))


def build(
    application: str,
    image: Image,
    export: Path,
    settings: Settings,
    record: Record,
    *,
    log: Path,
    doubts: Callable[[Doubt], None] = lambda _: None,
) -> Built:
    """Make sure that the registry has *image* as the commit in *export* describes it, and say its digest.

    The tag is a hash of what may go in, the Dockerfile and the digest of the base image (build argument BASE), so
    what *record* has already is not built again. A tag that is not what it has is given to *doubts*, and pushed over. Nothing but `image.sources`, or the context less its ignore file, can go in.
    Raises BuildFailed with the last lines of *log*, Unreachable for a registry that does not answer, BadInput for a base
    image or a path that is not there.
    """
    began = time.monotonic()
    bases = _Bases.of(image, export, settings)
    name = f"{settings.registry}/{application}/{image.name}"
    target = Reference.parse(f"{name}:{content_tag(image, export, bases.given, bases.named)}", settings)
    digest = _ours(image, target, record)
    reused = isinstance(digest, str)
    if not isinstance(digest, str):
        with _turn(image, f"{application}/{image.name}"):
            digest = _ours(image, target, record)
            if isinstance(digest, Doubt):
                doubts(digest)
            if not isinstance(digest, str):
                digest = _built_and_pushed(image, export, bases, target, log)
                record.add(image.name, target.tag, digest)
    return Built(image.name, target.by_digest(digest), target.tag, reused, round(time.monotonic() - began, 3))


def _ours(image: Image, target: Reference, record: Record) -> str | Doubt | None:
    """Digest of *target* where it is the recorded one; None where the registry has none."""
    found, recorded = digest_of_target(target), record.digest(image.name, target.tag)
    return found if found in (None, recorded) else Doubt(str(target), found, recorded)


def _built_and_pushed(image: Image, export: Path, bases: _Bases, target: Reference, log: Path) -> str:
    with tempfile.TemporaryDirectory(prefix="azora-build-") as name:
        folder = Path(name)
        build_context.copy(image, export, folder)
        # Images of one context begin with the same layers: the first builds them, the others find them.
        with layers_kept():
            with _turn(image, f"{image.context} on {bases.given}"):
                done = _bud(image, folder, bases, target, log)
            _checked(image, done, log)
            digest = _pushed(image, folder / "digest", target, log)
    forget_old(f"{target.host}/{target.path}", keep=KEPT_LOCALLY)
    return digest


def _bud(image: Image, folder: Path, bases: _Bases, target: Reference, log: Path) -> Completed:
    # No --timestamp: it sets every file's time to one moment, and Python then compiles each stale .pyc at every start.
    command = ["bud", "--layers", "--force-rm", "--isolation", "oci", "--network", "host", "--tag", target.by_tag()]
    file, contexts = _dockerfile(image, folder, bases)
    command += ["--file", str(file), "--ignorefile", "/dev/null"]  # nothing is ignored twice
    if bases.given:
        command += ["--build-arg", f"{BASE}={bases.given}"]
    for named, reference in contexts.items():
        command += ["--build-context", f"{named}=docker-image://{reference}"]
    if any(one.plain_http for one in bases.references):
        command += ["--tls-verify=false"]
    command += [argument for volume in package_index.volumes(folder) for argument in ("--volume", volume)]
    command += _logins(folder, target, *bases.references)
    command.append(str(folder / "export" / image.context))
    return buildah(command, what=f"build image {image.name!r}", timeout_seconds=BUILD_TIMEOUT_SECONDS, log=log)


def _dockerfile(image: Image, folder: Path, bases: _Bases) -> tuple[Path, dict[str, str]]:
    """Dockerfile to build, and the images that it still names without a digest."""
    file = build_context.dockerfile(image, folder)
    text = file.read_text(encoding="utf-8-sig", errors="surrogateescape")
    pinned, contexts = apart_from_stages(text, {BASE: bases.given} if bases.given else {}, bases.named)
    if contexts != bases.named:
        file = folder / "Dockerfile"  # not in the context: an image may hold its Dockerfile
        file.write_text(pinned, encoding="utf-8", errors="surrogateescape")
    return file, contexts


def _turn(image: Image, key: str) -> AbstractContextManager[None]:
    file = storage_folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.lock"
    return only_one(file, what=f"build image {image.name!r}", timeout_seconds=2 * BUILD_TIMEOUT_SECONDS)


def _pushed(image: Image, digest_file: Path, target: Reference, log: Path) -> str:
    command = ["push", f"--tls-verify={_tls(target)}", "--digestfile", str(digest_file)]
    command += _logins(digest_file.parent, target)
    command += [target.by_tag(), f"docker://{target.by_tag()}"]
    with writing(System.REGISTRY, f"push {target}"):
        done = buildah(command, what=f"push image {image.name!r}", timeout_seconds=PUSH_TIMEOUT_SECONDS, log=log)
        if done.returncode and _NO_RIGHT.search(done.tail()):
            raise Refused(
                f"could not push image {image.name!r} to {target}: {done.tail()}",
                advice=f"log in as a user who may push there: buildah login {target.host}; see {log}",
            )
        _checked(image, done, log)
    return digest_file.read_text().strip()


def _logins(folder: Path, *images: Reference) -> list[str]:
    file = file_for_buildah({f"{image.host}/{image.path}": image.login for image in images}, folder)
    return ["--authfile", str(file)] if file else []


def _tls(reference: Reference) -> str:
    return "false" if reference.plain_http else "true"


def _checked(image: Image, done: Completed, log: Path) -> None:
    if done.returncode:
        raise _error(image, done.tail(), log)


def _error(image: Image, said: str, log: Path) -> AzoraError:
    what = f"could not build image {image.name!r}: {said}"
    last = said.splitlines()[-1] if said else ""
    if _CACHE_CHANGED in last:
        return NotReadyYet(what, advice=f"another process emptied the build cache; see {log}")
    if _NETWORK.search(last):
        return Unreachable(what, advice=f"check that the registry runs; see {log}")
    return BuildFailed(
        what, advice=f"see {log}; buildah {version_of_buildah()} read the Dockerfile {image.dockerfile!r}"
    )
