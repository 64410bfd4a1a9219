"""The node's registry on a full disk of its own, for one block; its real folder is not written to.

An overlay in the node's own mount namespace: what is there is read, what is new goes to a small file system in memory. Half
of that is an image that nobody needs, so that pruning makes room.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from azora.config.application import load_application
from azora.config.settings import settings
from azora.host.process import output_of
from azora.local.layout import Layout, layout
from azora.local.namespaces import inside
from azora.local.registry_login import registry_auth

SIZE_MB, OLD_MB = 32, 16
OLD = "2020-01-01T00:00:00Z"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

_MOUNT = """
mkdir -p "$1"
mount -t tmpfs -o size="$3"m tmpfs "$1"
mkdir "$1/upper" "$1/work"
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay "$2"
"""
_FILL = 'dd if=/dev/zero of="$1/ballast" bs=4k 2>/dev/null || true'
_UNMOUNT = 'umount --lazy "$2"; umount --lazy "$1"; rmdir "$1"'


@contextmanager
def a_full_registry() -> Iterator[None]:
    """The last free page of its disk is taken."""
    node = layout(settings().node)
    _in_the_node(node, _MOUNT)
    try:
        _push_an_old_image()
        _in_the_node(node, _FILL)
        yield
    finally:
        _in_the_node(node, _UNMOUNT)


def takes_a_push() -> bool:
    """Return True when the registry takes a megabyte; nothing names it afterwards."""
    try:
        return bool(_push_blob(os.urandom(2**20)))
    except httpx.HTTPError:
        return False


def _in_the_node(node: Layout, script: str) -> None:
    arguments = [str(node.run / "full-registry"), str(node.lib / "registry"), str(SIZE_MB)]
    output_of([*inside(node), "sh", "-euc", script, "sh", *arguments])


def _push_an_old_image() -> None:
    layer, config = os.urandom(OLD_MB * 2**20), json.dumps({"created": OLD}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "size": len(config), "digest": _push_blob(config)},
        "layers": [{"mediaType": LAYER, "size": len(layer), "digest": _push_blob(layer)}],
    }
    place, headers = f"{_repository()}/manifests/drill", {"Content-Type": MANIFEST}
    with _client() as client:
        client.put(place, content=json.dumps(manifest).encode(), headers=headers).raise_for_status()


def _push_blob(content: bytes) -> str:
    """https://distribution.github.io/distribution/spec/api/#pushing-a-layer; its digest."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    with _client() as client:
        begun = client.post(f"{_repository()}/blobs/uploads/").raise_for_status()
        place = httpx.URL(begun.headers["Location"]).copy_merge_params({"digest": digest})
        client.put(place, content=content).raise_for_status()
    return digest


def _client() -> httpx.Client:
    user, _, password = registry_auth(layout(settings().node)).partition(":")
    return httpx.Client(auth=(user, password), timeout=60, trust_env=False)


def _repository() -> str:
    """A repository that pruning looks at."""
    image = next(iter(load_application(Path(settings().repository_location)).images)).name
    return f"http://{settings().registry}/v2/{settings().application}/{image}"
