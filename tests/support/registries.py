"""Registries on loopback, each a docker-registry process as the embedded node runs one."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.polling import until

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
