"""Build contexts: the files that an image's tag is the hash of, and nothing else that could go in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from e2b_dockerfile_utils import PatternMatcher

from azora.config.application import Image
from azora.errors import BadInput
from azora.host.content_hash import files_under


def paths(image: Image, export: Path) -> list[str]:
    """All of *export* that makes the tag: what goes in, the Dockerfile, the ignore file.

    Raises BadInput for an ignore file with a mistake and for a context that is no folder.
    """
    ignore = ignore_file(image, export)
    dockerfile_ = image.dockerfile if image.sources else _dockerfile(image, export)
    return [*_kept(image, export), dockerfile_, *([ignore] if ignore else [])]


def copy(image: Image, export: Path, into: Path) -> None:
    """Copy a build context to *into*/export, with only what the tag hashes.

    A Dockerfile that copies more does not find it.
    """
    (into / "export" / image.context).mkdir(parents=True)
    for path in _kept(image, export):
        _copied(export / path, into / "export" / path)
    dockerfile(image, into).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(export / image.dockerfile, dockerfile(image, into))


def dockerfile(image: Image, into: Path) -> Path:
    """Path that `copy` writes to: outside a whole context, whose ignore file may exclude it."""
    return into / "export" / image.dockerfile if image.sources else into / "dockerfile" / Path(image.dockerfile).name


def takes(image: Image, export: Path, path: str) -> bool:
    """Return True when *path* of the repository goes into the build, or would if the export had it."""
    if path == image.dockerfile:
        return True
    if not any(PurePosixPath(path).is_relative_to(start) for start in _starts(image)):
        return False
    ignored = _ignored(export, ignore_file(image, export))
    return not ignored.matches(str(PurePosixPath(path).relative_to(image.context)))


def ignore_file(image: Image, export: Path) -> str | None:
    """The one that buildah respects: beside the Dockerfile and named like it, else in the context."""
    own = [f"{image.dockerfile}.dockerignore", f"{image.dockerfile}.containerignore"]
    return _first(export, *own, _inside(image, ".containerignore"), _inside(image, ".dockerignore"))


def _starts(image: Image) -> tuple[str, ...]:
    """Files and folders that go in."""
    return image.sources or (image.context,)


def _inside(image: Image, name: str) -> str:
    return str(PurePosixPath(image.context) / name)


def _first(export: Path, *names: str) -> str | None:
    return next((name for name in names if (export / name).is_file()), None)


def _kept(image: Image, export: Path) -> Iterator[str]:
    if (export / image.context).is_symlink() or not (export / image.context).is_dir():
        raise BadInput(f"could not read the context {image.context!r}: not a folder", advice="correct application.yaml")
    ignored = _ignored(export, ignore_file(image, export))
    for path in dict.fromkeys(path for start in _starts(image) for path in files_under(export, start)):
        if not ignored.matches(str(PurePosixPath(path).relative_to(image.context))):
            yield path


def _ignored(export: Path, file: str | None) -> PatternMatcher:
    """https://docs.docker.com/build/concepts/context/#dockerignore-files"""
    try:
        return PatternMatcher((export / file).read_text("utf-8-sig").split("\n") if file else [])
    except ValueError as error:
        raise BadInput(f"could not read {file!r}: {error}", advice="correct the ignore file") from None


def _dockerfile(image: Image, export: Path) -> str:
    """The file itself, where a link leads to it."""
    return str((export / image.dockerfile).resolve().relative_to(export.resolve()))


def _copied(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)
