"""Tag of an image: the hash of everything that went into it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from azora.config.application import Image
from azora.gateways.images import build_context
from azora.host.content_hash import digest_of

# Part of every tag: raise it when the way of building changes what comes out.
_RECIPE = "1"


def content_tag(image: Image, export: Path, base: str, named: Mapping[str, str]) -> str:
    """Sixteen hex digits that change with whatever can change the image.

    *base* is what BASE is, *named* are the images that the Dockerfile names itself, each with its digest.
    """
    parts = [_RECIPE, image.context, image.dockerfile, base, digest_of(export, build_context.paths(image, export))]
    parts += [] if image.sources else ["whole context"]
    parts += [f"{name} is {reference}" for name, reference in sorted(named.items())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
