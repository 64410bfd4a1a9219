"""The account's kubeconfig: how its cluster is reached, and a token that is renewed in time."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from azora.config.environment import Environment, Hosts
from azora.config.json_object import Json
from azora.errors import Refused
from azora.gateways.kubernetes.api import Api
from azora.gateways.kubernetes.rbac import let_in, renew

SHOP = Environment(name="production", namespace="shop", hosts=Hosts(live="shop", preview="next.shop"))


class Cluster:
    """Makes tokens, and remembers for how long they were asked."""

    host, authority, connection = "https://cluster:6443", None, {}

    def __init__(self, *, refuses: bool = False) -> None:
        self.asked: list[int] = []
        self.refuses = refuses

    def apply(self, path: str, body: Json) -> Json:  # noqa: ARG002
        return body

    def create(self, path: str, body: Json) -> Json:
        assert path == "/api/v1/namespaces/azora-system/serviceaccounts/shop/token"
        if self.refuses:
            raise Refused("could not create one of serviceaccounts: forbidden")
        self.asked.append(body["spec"]["expirationSeconds"])
        return {"status": {"token": token(0, 24), "expirationTimestamp": "2026-12-01T00:00:00Z"}}


def token(made_hours_ago: float, lives_hours: float) -> str:
    """A signed token as the API server makes it."""
    made = datetime.now(UTC) - timedelta(hours=made_hours_ago)
    claims = {"iat": int(made.timestamp()), "exp": int((made + timedelta(hours=lives_hours)).timestamp())}
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


def kubeconfig(folder: Path, known: str) -> Path:
    file = folder / "production.kubeconfig"
    file.write_text(yaml.safe_dump({"users": [{"name": "shop", "user": {"token": known} if known else {}}]}))
    return file


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        pytest.param(token(11, 24), [], id="first half"),
        pytest.param(token(13, 24), [24 * 3600], id="second half"),
        pytest.param(token(30, 24), [24 * 3600], id="expired"),
        pytest.param("opaque", [], id="no signed token"),
        pytest.param("", [], id="no token"),
    ],
)
def test_renewal(tmp_path: Path, known: str, asked: list[int]) -> None:
    """Past half of its time a token is replaced by one of the same time."""
    cluster, file = Cluster(), kubeconfig(tmp_path, known)
    assert bool(renew(SHOP, cast(Api, cluster), file)) == bool(asked)
    assert cluster.asked == asked
    assert not renew(SHOP, cast(Api, cluster), file) or not asked
    assert oct(file.stat().st_mode & 0o777) in {"0o600", "0o644"}


def test_renewal_without_the_right(tmp_path: Path) -> None:
    """An account of an older version goes on with its token."""
    known = token(13, 24)
    file = kubeconfig(tmp_path, known)
    assert renew(SHOP, cast(Api, Cluster(refuses=True)), file) is None
    assert known in file.read_text()


def test_renewal_by_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account in a read-only folder, as the embedded node has it, is renewed by somebody else."""
    cluster, file = Cluster(), kubeconfig(tmp_path, token(13, 24))
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))
    assert renew(SHOP, cast(Api, cluster), file) is None
    assert cluster.asked == []
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "cluster",
    [
        {"tls-server-name": "kubernetes"},
        {"proxy-url": "http://proxy.example:3128"},
        {"insecure-skip-tls-verify": True},
    ],
    ids=lambda cluster: next(iter(cluster)),
)
def test_way_to_the_cluster(tmp_path: Path, cluster: dict[str, Any]) -> None:
    """The account's kubeconfig has the connection to the API server that the person's kubeconfig has."""
    person = {
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": "https://127.0.0.1:1", **cluster}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "users": [{"name": "me", "user": {"token": "x"}}],
    }  # fmt: skip
    (tmp_path / "person").write_text(yaml.safe_dump(person))
    api = Api(tmp_path / "person", None, timeout_seconds=1)
    made = Cluster()
    made.host, made.connection = api.host, api.connection  # type: ignore[misc]
    granted = let_in(SHOP, cast(Api, made), tmp_path / "identities")
    (written,) = yaml.safe_load(granted.kubeconfig.read_text())["clusters"]
    assert written["cluster"] == {"server": "https://127.0.0.1:1", **cluster}
