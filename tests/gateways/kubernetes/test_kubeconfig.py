"""A kubeconfig is used as kubectl uses it: whom Azora acts as, by which proxy, with which login."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from azora.errors import BadInput, Unreachable
from azora.gateways.kubernetes.api import Api


class ApiServer(ThreadingHTTPServer):
    """An API server that is empty, and keeps the headers it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.got: list[tuple[str, str]] = []


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, ApiServer)
        self.server.got = [(key, value) for key, value in self.headers.items() if key.startswith(("Imp", "auth"))]
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def kubeconfig(file: Path, address: str, user: str, cluster: str = "") -> Path:
    file.write_text(
        f"clusters: [{{name: c, cluster: {{server: '{address}'{cluster}}}}}]\n"
        f"contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\ncurrent-context: c\n"
        f"users: [{{name: u, user: {user}}}]\n"
    )
    return file


@pytest.mark.parametrize(
    ("user", "sent"),
    [
        pytest.param("{token: t}", [("authorization", "Bearer t")], id="token"),
        pytest.param("{tokenFile: token}", [("authorization", "Bearer t")], id="file of a token, with its line end"),
        pytest.param("{}", [], id="nobody"),
        pytest.param(
            "{token: t, as: ada, as-uid: '7', as-groups: [ops, 'a, b'], as-user-extra: {'example.org/x': [y, z]}}",
            [
                ("Impersonate-User", "ada"),
                ("Impersonate-Uid", "7"),
                ("Impersonate-Group", "ops"),
                ("Impersonate-Group", "a, b"),
                ("Impersonate-Extra-example.org%2Fx", "y"),
                ("Impersonate-Extra-example.org%2Fx", "z"),
                ("authorization", "Bearer t"),
            ],
            id="as another user",
        ),
        pytest.param(
            "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login}}",
            [("authorization", "Bearer of the program")],
            id="program beside the file",
        ),
    ],
)
def test_user(server: ApiServer, tmp_path: Path, user: str, sent: list[tuple[str, str]]) -> None:
    """A request has the headers that kubectl's has."""
    (tmp_path / "token").write_text("t\n")
    credential = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "of the program"}}'
    (tmp_path / "login").write_text(f"#!/bin/sh\necho '{credential}'\n")
    (tmp_path / "login").chmod(0o755)
    file = kubeconfig(tmp_path / "k", f"http://127.0.0.1:{server.server_port}", user)
    Api(file, None, timeout_seconds=3).get("/api")
    assert server.got == sent


@pytest.mark.parametrize(
    ("user", "cluster", "said"),
    [
        pytest.param(
            "{exec: {apiVersion: client.authentication.k8s.io/v1, command: kubelogin-x}}",
            "",
            "its login program 'kubelogin-x' is not on the PATH of this process",
            id="program that is missing",
        ),
        pytest.param(
            "{exec: {apiVersion: client.authentication.k8s.io/v1, command: 'false'}}",
            "",
            "its login program 'false' gave neither token nor certificate",
            id="program that fails",
        ),
        pytest.param("{auth-provider: {name: azure}}", "", "its auth-provider 'azure' gave no token", id="auth-provider"),
        pytest.param("{token: t}", ", proxy-url: 'ftp://h:1'", "proxy-url 'ftp://h:1' is none of http, https, socks5", id="proxy"),
        pytest.param("{token: t}", ", certificate-authority-data: A", "could not use kubeconfig", id="no base64"),
        pytest.param("text", "", "could not use kubeconfig", id="no map"),
    ],
)  # fmt: skip
def test_kubeconfig_that_is_refused(tmp_path: Path, user: str, cluster: str, said: str) -> None:
    """No request is made as somebody else, or as nobody."""
    with pytest.raises(BadInput, match=said):
        Api(kubeconfig(tmp_path / "k", "https://127.0.0.1:1", user, cluster), None, timeout_seconds=3)


def test_kubeconfig_outside_utf8(tmp_path: Path) -> None:
    """A file that is no text is one error."""
    (tmp_path / "k").write_bytes(b"# caf\xe9\n")
    with pytest.raises(BadInput, match="could not use kubeconfig"):
        Api(tmp_path / "k", None, timeout_seconds=3)


def test_socks_proxy(tmp_path: Path) -> None:
    """The proxy gets the cluster's name, as from kubectl: this machine may not know it."""
    got = []

    def answer() -> None:
        with listening.accept()[0] as asked:
            asked.recv(99)
            asked.sendall(b"\x05\x00")
            got.append(asked.recv(99))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        proxy = f"socks5://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=answer)
        thread.start()
        file = kubeconfig(tmp_path / "k", "https://inside.invalid:6443", "{token: t}", f", proxy-url: '{proxy}'")
        api = Api(file, None, timeout_seconds=3)
        with pytest.raises(Unreachable):
            api.get("/api")
        thread.join()
    assert b"inside.invalid" in got[0]
    assert api.connection == {"proxy-url": proxy}
