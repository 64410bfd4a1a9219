"""Helm's own record of a release, a Secret of at most one MiB: its size, and its manifests.

https://github.com/helm/helm/blob/main/pkg/storage/driver/util.go
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from azora.config.json_object import Json

MOST_BYTES = 1024 * 1024  # https://kubernetes.io/docs/concepts/configuration/secret/#restriction-data-size
LARGEST_SHOWN = 3


def stored_bytes(files: Mapping[str, bytes], objects: Sequence[Json], values: Mapping[str, Any]) -> int:
    """Bytes of the Secret for a chart of these *files*, rendered to *objects* with *values*."""
    content = {name: base64.b64encode(data).decode() for name, data in files.items()}
    record = json.dumps({"chart": content, "manifest": json.dumps(objects), "config": values}).encode()
    return len(base64.b64encode(gzip.compress(record, compresslevel=9)))


def record_fault(files: Mapping[str, bytes], objects: Sequence[Json], values: Mapping[str, Any]) -> str | None:
    """Name a chart that Helm could not record, with its largest files; None for one that it can."""
    size = stored_bytes(files, objects, values)
    if size <= MOST_BYTES:
        return None
    largest = sorted(files, key=lambda name: len(files[name]), reverse=True)[:LARGEST_SHOWN]
    named = ", ".join(f"{name} ({len(files[name]) / 1024:.0f} KiB)" for name in largest)
    return (
        f"Helm's record of the release would take {size / MOST_BYTES:.1f} MiB, and a Secret holds 1 MiB; its largest files are"
        f" {named}: name them in .helmignore, or bring them in an image"
    )


def stored_manifests(secret: Json) -> str:
    """Manifests of *secret*, those of hooks too, in the form of `helm template`.

    Raises:
        ValueError: *secret* is no record of a Helm release.
    """
    try:
        record = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
        hooks = (f"---\n# Source: {one['path']}\n{one['manifest']}\n" for one in record.get("hooks") or ())
        return "\n".join([record.get("manifest") or "", *hooks])
    except (KeyError, TypeError, AttributeError, OSError, EOFError, zlib.error) as error:
        raise ValueError(f"no record of a Helm release: {type(error).__name__}: {error}") from error
