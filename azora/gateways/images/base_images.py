"""Images that a Dockerfile begins with or copies from, each by its present digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from e2b_dockerfile_utils import DockerfileSyntaxError, ShellLex, parse_dockerfile_ast
from e2b_dockerfile_utils.syntax import DockerfileAst, DockerfileInstruction

from azora.config.application import Image
from azora.config.settings import Settings
from azora.errors import BadInput, Refused, Unreachable
from azora.gateways.images.registries_conf import full_names, sources
from azora.gateways.images.registry import Reference, digest_of_tag

BASE = "BASE"  # the build argument for AZORA_BASE_IMAGE
NOTHING = "scratch"


def pinned_base(settings: Settings) -> str:
    """Base image of the settings by its present digest in its registry; "" without one."""
    if not settings.base_image:
        return ""
    return _pinned(
        settings.base_image, settings, "correct AZORA_BASE_IMAGE; `azora local up` builds the one of the embedded node"
    )


def pinned_images(image: Image, export: Path, base: str, settings: Settings) -> dict[str, str]:
    """Images that the Dockerfile of *image* names itself, each with its present digest.

    *base* is what its build argument BASE is.

    Raises:
        BadInput: a registry has no such image. Unreachable, Refused: it does not answer, or not without a login.
    """
    text = (export / image.dockerfile).read_text(encoding="utf-8-sig", errors="replace")
    named = dict.fromkeys(images_named(text, {BASE: base} if base else {}))
    advice = f"correct the Dockerfile {image.dockerfile!r}, or log in: buildah login"
    return {name: _pinned(name, settings, advice) for name in named if "@" not in name}


def images_named(dockerfile: str, arguments: Mapping[str, str]) -> Iterator[str]:
    """Images that a *dockerfile* built with *arguments* names, without stages of its own.

    A name that is not known before the build, for it has a variable without a value, is left out too.
    """
    try:
        parsed = parse_dockerfile_ast(dockerfile)
    except DockerfileSyntaxError:
        return  # the build says it better
    yield from (name for _, name in _named(parsed, arguments))


def apart_from_stages(
    dockerfile: str, arguments: Mapping[str, str], pinned: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Write `FROM node AS node` of a *dockerfile* by its digest; return the text and the rest of *pinned*.

    A `--build-context` of that name replaces the stage as well: buildah, imagebuildah/stage_executor.go.
    """
    try:
        parsed = parse_dockerfile_ast(dockerfile)
    except DockerfileSyntaxError:
        return dockerfile, dict(pinned)
    stages = {one.args[2].lower() for one in parsed.instructions if one.name == "FROM" and one.args[2:]}
    lines = dockerfile.split("\n")
    for one, name in _named(parsed, arguments):
        if one.name == "FROM" and name in pinned and name.lower() in stages:
            written = " ".join(["FROM", *one.flags, pinned[name], *one.args[1:]])
            lines[one.start_line - 1 : one.end_line] = [written, *[""] * (one.end_line - one.start_line)]
    rest = {name: reference for name, reference in pinned.items() if name.lower() not in stages}
    return "\n".join(lines), rest


def _named(parsed: DockerfileAst, arguments: Mapping[str, str]) -> Iterator[tuple[DockerfileInstruction, str]]:
    """Each image with the instruction that names it."""
    known: dict[str, str] = {}

    def expanded(word: str) -> str:
        """Without its variables; "" where one has neither value nor default."""
        kept = ShellLex(parsed.escape_token, env=known).process_word(word)
        if "$" in kept and ":-" not in kept:
            return ""
        return ShellLex(parsed.escape_token, env=known, skip_unset_env=False).process_word(word)

    stages: set[str] = {NOTHING}
    begun = 0
    for one in parsed.instructions:
        if one.name == "ARG" and not begun:
            for word in one.args:
                name, given, default = word.partition("=")
                if name in arguments or given:
                    known[name] = arguments.get(name) or expanded(default)
        elif one.name == "FROM" and one.args:
            name = expanded(one.args[0])
            if name and name.lower() not in stages:
                yield one, name
            begun += 1
            stages |= {str(begun - 1), *(word.lower() for word in one.args[2:3])}
        else:
            yield from (
                (one, source) for flag in one.flags if (source := _source(flag)) and source.lower() not in stages
            )


def _source(flag: str) -> str:
    """Image or stage of `--from=…` and `--mount=…,from=…`; "" of others, and of one with a variable."""
    name, _, value = flag.partition("=")
    found = value if name == "--from" else ""
    if name == "--mount":
        found = dict(part.partition("=")[::2] for part in value.split(",")).get("from", "")
    return "" if "$" in found else found


def found_base(name: str, settings: Settings) -> tuple[Reference, str | None]:
    """Place of the image *name* and its present digest, None where its registry has no such tag.

    Raises as `digest_of_tag`. A mirror and a search registry that refuse or do not answer are passed over, as by buildah.
    """
    references = [Reference.parse(one, settings) for one in full_names(name)]
    if references[-1].digest:
        return references[-1], references[-1].digest
    *others, last = [(reference, place) for reference in references for place in sources(reference)]
    passed_over: list[str] = []
    for reference, place in others:
        try:
            if digest := digest_of_tag(place):
                return reference, digest
        except (Unreachable, Refused) as error:
            passed_over.append(error.message)
    try:
        return last[0], digest_of_tag(last[1])
    except (Unreachable, Refused) as error:
        raise type(error)("; ".join([*passed_over, error.message]), advice=error.advice) from None


def _pinned(name: str, settings: Settings, advice: str) -> str:
    reference, digest = found_base(name, settings)
    if digest is None:
        raise BadInput(
            f"could not find the base image {name!r}: the registry {reference.host} has no such tag", advice=advice
        )
    return reference.by_digest(digest)
