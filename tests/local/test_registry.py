"""The embedded node's registry, supervised: it frees blobs on a request in a file."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from azora.host.locks import only_one
from azora.local import health
from azora.local.configuration import rendered
from azora.local.layout import Layout
from azora.local.registry import command
from azora.local.service import NodeService, Stage
from azora.local.supervision import Supervisor
from tests.support.polling import until

pytestmark = pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs docker-registry: `make up`")

REPOSITORY = "docker/registry/v2/repositories/shop/web/_layers"
UNUSED = "docker/registry/v2/blobs/sha256/ab/ab" + "0" * 62 + "/data"


@dataclass(frozen=True)
class Node:
    """A supervisor with a registry and nothing else."""

    layout: Layout
    service: NodeService
    supervisor: Supervisor

    @property
    def unused_blob(self) -> Path:
        return self.layout.lib / "registry" / UNUSED

    def pid(self) -> int:
        (pid,) = [one["pid"] for one in self.supervisor.processes()]
        return int(pid)

    def end(self) -> None:
        """End the registry as somebody who kills it does; the supervisor starts it again."""
        before = self.pid()
        os.kill(before, signal.SIGTERM)
        soon(lambda: self.pid() != before, "the end of the registry")

    def ask_to_sweep(self) -> None:
        self.unused_blob.parent.mkdir(parents=True, exist_ok=True)
        self.unused_blob.write_bytes(b"nobody names me")
        (self.layout.lib / "registry" / REPOSITORY).mkdir(parents=True, exist_ok=True)
        self.layout.registry_sweep.touch()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    layout = Layout("sweep", "127.0.0", 0, tmp_path)
    for folder in (layout.run, layout.log, layout.lib, layout.etc, layout.requests):
        folder.mkdir()
    file = layout.etc / "registry.yaml"
    storage = f"{{filesystem: {{rootdirectory: {layout.lib / 'registry'}}}, delete: {{enabled: true}}}}"
    file.write_text(f"version: 0.1\nstorage: {storage}\nhttp: {{addr: '{address}'}}\n")
    start = command(file, layout.registry_sweep, tmp_path / "lock")
    service = NodeService("registry", Stage.STORAGE, start, lambda: health.answers(f"http://{address}/v2/"))
    (layout.etc / "supervisord.conf").write_text(
        rendered("supervisord.conf", node=layout, services=[service], open_files=1024)
    )
    program = Path(sys.executable).parent / "supervisord"
    process = subprocess.Popen(
        [program, "--nodaemon", "-c", layout.etc / "supervisord.conf"], stdout=subprocess.DEVNULL
    )
    supervisor = Supervisor(layout)
    try:
        soon(supervisor.answers, "the supervisor")
        supervisor.start([service])
        yield Node(layout, service, supervisor)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def test_sweep(node: Node) -> None:
    """The registry frees blobs that nothing names, and serves again, whoever wrote the request."""
    node.ask_to_sweep()
    soon(lambda: not node.layout.registry_sweep.exists() and node.service.ready(), "the registry after its sweep")
    assert not node.unused_blob.exists()


def test_sweep_while_the_node_starts(node: Node, tmp_path: Path) -> None:
    """A start of the node pushes images: until it has ended the registry goes on, and keeps its blobs."""
    with only_one(tmp_path / "lock", what="start the node"):
        node.ask_to_sweep()
        time.sleep(2.5)  # two looks for a request
        assert node.service.ready()
        assert node.unused_blob.exists()
    soon(lambda: not node.layout.registry_sweep.exists(), "the sweep")


def test_sweep_without_a_request(node: Node) -> None:
    """The registry keeps its blobs without a request, also at its start."""
    node.ask_to_sweep()
    node.layout.registry_sweep.unlink()
    node.end()
    soon(lambda: node.pid() != 0 and node.service.ready(), "the registry")
    assert node.unused_blob.exists()


def test_sweep_after_a_kill(node: Node) -> None:
    """The registry comes back and sweeps although it was ended with the request."""
    node.ask_to_sweep()
    node.end()
    soon(lambda: not node.layout.registry_sweep.exists() and node.service.ready(), "the registry after its sweep")
    assert not node.unused_blob.exists()


def test_sweep_that_fails(node: Node) -> None:
    """A collector that fails is tried once for each request, and the registry serves."""
    (node.layout.lib / "registry/docker/registry/v2/repositories/shop/web/_manifests/revisions").mkdir(parents=True)
    (node.layout.lib / "registry/docker/registry/v2/repositories/shop/web/_manifests/tags").write_text("no folder")
    node.layout.registry_sweep.touch()
    failed = node.layout.registry_sweep.with_name("sweep-registry.failed")
    soon(lambda: failed.exists() and node.service.ready(), "the registry after a collector that failed")
    assert not node.layout.registry_sweep.exists()


def test_sweep_that_is_stopped(tmp_path: Path) -> None:
    """The collector ends with its shell, else it would remove what the next registry is given."""
    program = tmp_path / "docker-registry"
    program.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/collector\nexec sleep 60\n")
    program.chmod(0o755)
    (tmp_path / "asked").touch()
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    with subprocess.Popen(command(tmp_path / "c", tmp_path / "asked", tmp_path / "lock"), env=env) as shell:
        soon(lambda: (tmp_path / "collector").is_file() and (tmp_path / "collector").read_text() != "", "the sweep")
        collector = Path("/proc") / (tmp_path / "collector").read_text().strip()
        assert collector.is_dir()
        shell.terminate()
    soon(lambda: ended(collector), "the end of the sweep")
    assert (tmp_path / "asked").exists(), "the next start collects"


def ended(process: Path) -> bool:
    try:
        return "Z (zombie)" in (process / "status").read_text()
    except OSError:
        return True


def soon(reached: Callable[[], bool], what: str) -> None:
    until(reached, seconds=20, what=what, every=0.05)
