"""Login of the node's registry: its real program refuses who has none, and takes ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from azora.config.settings import Settings
from azora.gateways.images.registry import find, takes_pushes_from_anybody
from azora.local import health
from azora.local.configuration import rendered, write
from azora.local.env_file import variables
from azora.local.kubernetes import registry
from azora.local.layout import Layout
from azora.local.registry_login import registry_auth, write_registry_login
from tests.support.polling import until

served = pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs docker-registry: `make up`")


@pytest.fixture
def node(tmp_path: Path) -> Layout:
    """A node whose address is on loopback, another one in each process."""
    return Layout("mine", f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}", 30000, tmp_path / "mine")


@pytest.fixture
def address(node: Layout) -> Iterator[str]:
    """The address of the node's registry, running on the node's own configuration."""
    write_registry_login(node)
    write(node.etc / "registry.yaml", rendered("registry.yaml", node=node))
    command = ["docker-registry", "serve", str(node.etc / "registry.yaml")]
    with (node.state / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until(lambda: health.listens(node.address, 5000), seconds=10, what="the registry", every=0.05)
        yield f"http://{node.registry}"
    finally:
        server.terminate()
        server.wait(10)


def settings_of(node: Layout) -> Settings:
    """Settings that the node writes for its registry."""
    known = variables(node, Path("/bin"))
    return Settings(
        registry=known["AZORA_REGISTRY"],
        registry_login=Path(known["AZORA_REGISTRY_LOGIN"]),
        registry_plain_http=True,
        base_image="",
    )


@served
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/"),
        ("GET", "/v2/_catalog"),
        ("HEAD", "/v2/shop/web/manifests/0123456789abcdef"),
        ("POST", "/v2/shop/web/blobs/uploads/"),
        ("PUT", "/v2/shop/web/manifests/0123456789abcdef"),
        ("DELETE", f"/v2/shop/web/manifests/sha256:{'0' * 64}"),
    ],
)
def test_request_without_the_login(address: str, method: str, path: str) -> None:
    """Nobody without the login reads, pushes or removes an image."""
    assert httpx.request(method, f"{address}{path}", trust_env=False).status_code == 401


@served
def test_request_with_the_login(address: str, node: Layout) -> None:
    """The pipeline, containerd and the supervisor's check get in with what the node wrote for each of them."""
    with (node.etc / "certs.d" / node.registry / "hosts.toml").open("rb") as file:
        host = tomllib.load(file)["host"][address]
    assert host["capabilities"] == ["pull", "resolve"]
    assert httpx.get(f"{address}/v2/", headers=host["header"], trust_env=False).status_code == 200
    assert find("shop/web", "0123456789abcdef", settings_of(node)) is None
    assert registry(node).ready()
    assert not takes_pushes_from_anybody(settings_of(node))


def test_files_with_the_login(node: Layout, tmp_path: Path) -> None:
    """The login is made once, private, another on each node, and its file keeps what a person logged in to."""
    login = registry_auth(node)
    known = json.loads(node.registry_login.read_text())
    node.registry_login.write_text(json.dumps({"auths": {**known["auths"], "other.example": {"auth": "x"}}}))
    write_registry_login(node)
    files = [node.registry_login, node.etc / "htpasswd", *node.etc.glob("certs.d/*/hosts.toml")]
    before = [(file.read_text(), file.stat().st_mode & 0o777) for file in files]
    write_registry_login(node)
    assert [(file.read_text(), file.stat().st_mode & 0o777) for file in files] == before
    assert {mode for _, mode in before} == {0o600}
    assert set(json.loads(node.registry_login.read_text())["auths"]) == {node.registry, "other.example"}
    assert registry_auth(node) == login
    assert registry_auth(Layout("other", "10.96.0", 31000, tmp_path / "other")) != login
    assert login.partition(":")[2] not in (node.etc / "htpasswd").read_text()


def test_hash_of_another_password(node: Layout) -> None:
    """A hash that does not fit the login is made anew: a state that lost one of both comes up again."""
    write_registry_login(node)
    before = (node.etc / "htpasswd").read_text()
    node.registry_login.unlink()
    write_registry_login(node)
    assert (node.etc / "htpasswd").read_text() != before
