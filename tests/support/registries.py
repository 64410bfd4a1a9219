"""Registries on loopback, each a docker-registry process as the embedded node runs one."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.polling import until

MANIFEST = "application/vnd.oci.image.manifest.v1+json"

PASSWORD = "hunter2-hunter2"
HASHED = "$2b$04$WCoQgNIsUJeDSCTqhHrBGuKwA2FLigWizXdju70sYmugiQxY0MXbK"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def serving(folder: Path, auth: str = "") -> Iterator[str]:
    """The address of a registry that keeps what it has in *folder*."""
    address = f"127.0.0.1:{free_port()}"
    config = f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}}}}}\nhttp: {{addr: '{address}'}}\n{auth}"
    (folder / "config.yml").write_text(config)
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(["docker-registry", "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        until(lambda: listens(address), seconds=10, what="the registry", every=0.05)
        yield address
    finally:
        server.terminate()
        server.wait(10)


def listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


def push_over(address: str, repository: str, tag: str, login: tuple[str, str] | None = None) -> str:
    """Push an image without layers as *tag*, as whoever reaches the registry does; its digest."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    image = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(config), "digest": digest}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": image, "layers": []})
    with httpx.Client(base_url=f"http://{address}/v2/{repository}/", auth=login, trust_env=False) as client:
        begun = client.post("blobs/uploads/").raise_for_status()
        place = httpx.URL(begun.headers["Location"]).copy_merge_params({"digest": digest})
        client.put(place, content=config).raise_for_status()
        pushed = client.put(f"manifests/{tag}", content=manifest, headers={"Content-Type": MANIFEST}).raise_for_status()
    return str(pushed.headers["Docker-Content-Digest"])
