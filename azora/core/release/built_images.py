"""Digests of the images that Azora built, by tag, to compare a registry's answers with.

One entry each: `<image>.<tag>` to `<digest> <time>`, in an object of the cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

# An entry takes 200 bytes with what the API server notes of it, and an object 1 MiB; 75 tags of each of 40 images.
MOST = 3000


def digest_in(entries: Mapping[str, str], image: str, tag: str) -> str | None:
    """Digest that Azora pushed as *tag* of *image*; None where that is not known."""
    return entries.get(_key(image, tag), "").partition(" ")[0] or None


def holds(entries: Mapping[str, str], image: str, digest: str) -> bool:
    """Return True when Azora pushed *digest* as some tag of *image*."""
    return any(key.rpartition(".")[0] == image and entry.partition(" ")[0] == digest for key, entry in entries.items())


def added(entries: Mapping[str, str], image: str, tag: str, digest: str, at: datetime) -> dict[str, str | None]:
    """Change that adds a digest to *entries*; None removes an entry: the oldest, where there are too many."""
    key = _key(image, tag)
    others = sorted((one for one in entries if one != key), key=lambda one: entries[one].partition(" ")[2])
    beyond = others[: max(len(others) - MOST + 1, 0)]
    return {**dict.fromkeys(beyond), key: f"{digest} {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}


def removed(entries: Mapping[str, str], names: Collection[str]) -> dict[str, str | None]:
    """Change that removes the entries of *names*, where they are `<application>/<image>:<tag>`."""
    found = (name.rpartition("/")[2].partition(":") for name in names)
    return dict.fromkeys(key for image, _, tag in found if tag and (key := _key(image, tag)) in entries)


def _key(image: str, tag: str) -> str:
    return f"{image}.{tag}"
