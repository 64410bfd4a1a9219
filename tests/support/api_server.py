"""A real API server with etcd on loopback, without nodes; it judges and stores objects.

A start costs some four seconds of processor. The programs are the node's, from the cache.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from azora.gateways.kubernetes.api import Api
from azora.host.process import clean_environment
from azora.local import health
from azora.local.programs import programs
from tests.support.polling import until

START_SECONDS = 120
CONTROLLERS = (
    "namespace-controller,deployment-controller,replicaset-controller,job-controller,serviceaccount-controller"
)


@dataclass(frozen=True)
class ApiServer:
    """The server, and its folder of kubeconfigs."""

    url: str
    folder: Path

    def kubeconfig(self, user: str = "", *groups: str) -> Path:
        """Kubeconfig of the administrator, or of one who acts as *user* of *groups*."""
        file = self.folder / f"{user or 'admin'}.kubeconfig".replace(":", "-").replace(" ", "-")
        login = {"token": "admin"} | ({"as": user, "as-groups": list(groups)} if user else {})
        authority = f"{self.folder}/certificates/apiserver.crt"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "it", "cluster": {"server": self.url, "certificate-authority": authority}}],
            "users": [{"name": "me", "user": login}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
            "current-context": "it",
        }
        file.write_text(yaml.safe_dump(content))
        return file

    def api(self, user: str = "", *groups: str) -> Api:
        """API as the administrator, or as *user* of *groups*; a logged-in user's own group is added."""
        return Api(self.kubeconfig(user, *(groups or ("system:authenticated",))), None, timeout_seconds=20)


@contextmanager
def api_server(folder: Path, *, controllers: bool = False) -> Iterator[ApiServer]:
    """Run an API server for the block; with *controllers*, those that make pods and end namespaces."""
    place = programs()
    etcd, peer, port = (_free_port() for _ in range(3))
    _make_key(folder / "accounts.key")
    (folder / "tokens.csv").write_text('admin,admin,1,"system:masters"\n')
    server = ApiServer(f"https://127.0.0.1:{port}", folder)
    client, between = f"http://127.0.0.1:{etcd}", f"http://127.0.0.1:{peer}"
    store = [
        place / "etcd", f"--data-dir={folder}/etcd", "--log-level=error", "--unsafe-no-fsync",
        f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
        f"--listen-peer-urls={between}", f"--initial-advertise-peer-urls={between}", f"--initial-cluster=default={between}",
    ]  # fmt: skip
    serve = [
        place / "kube-apiserver", f"--etcd-servers={client}", f"--secure-port={port}", "--bind-address=127.0.0.1",
        f"--cert-dir={folder}/certificates", "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc", f"--token-auth-file={folder}/tokens.csv",
        f"--service-account-key-file={folder}/accounts.key", f"--service-account-signing-key-file={folder}/accounts.key",
    ]  # fmt: skip
    with ExitStack() as running:
        _start(running, folder, store)
        _start(running, folder, serve)
        until(lambda: health.answers(f"{server.url}/readyz"), seconds=START_SECONDS, what=f"API server in {folder}")
        if controllers:
            manage = [
                place / "kube-controller-manager", f"--kubeconfig={server.kubeconfig()}", "--leader-elect=false",
                f"--controllers={CONTROLLERS}", "--use-service-account-credentials", "--secure-port=0",
                f"--service-account-private-key-file={folder}/accounts.key",
            ]  # fmt: skip
            _start(running, folder, manage)
        yield server


def _start(running: ExitStack, folder: Path, command: list[object]) -> None:
    words = [str(word) for word in command]
    log = running.enter_context((folder / f"{Path(words[0]).name}.log").open("w"))
    process = running.enter_context(subprocess.Popen(words, env=clean_environment(), stdout=log, stderr=log))
    running.callback(process.kill)


def _make_key(file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    file.write_bytes(key.private_bytes(*form))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
