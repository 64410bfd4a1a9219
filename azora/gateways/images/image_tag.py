"""Tag of an image: the hash of everything that went into it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from azora.config.application import Image
from azora.config.settings import Settings
from azora.errors import BadInput
from azora.gateways.images import build_context
from azora.gateways.images.registry import Reference, digest_of_tag
from azora.host.content_hash import digest_of

# Part of every tag: raise it when the way of building changes what comes out.
_RECIPE = "1"


def content_tag(image: Image, export: Path, pinned: str) -> str:
    """Sixteen hex digits that change with whatever can change the image."""
    parts = [_RECIPE, image.context, image.dockerfile, pinned, digest_of(export, build_context.paths(image, export))]
    parts += [] if image.sources else ["whole context"]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def pinned_base(settings: Settings) -> str:
    """Base image by its present digest in its registry, which is hashed into the tag; "" without one."""
    if not settings.base_image:
        return ""
    reference = Reference.parse(settings.base_image, settings)
    digest = reference.digest or digest_of_tag(reference)
    if digest is None:
        raise BadInput(
            f"could not find the base image {settings.base_image!r}: the registry has no such tag",
            advice="correct AZORA_BASE_IMAGE; `azora local up` builds the one of the embedded node",
        )
    return reference.by_digest(digest)
