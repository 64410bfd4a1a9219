"""Attacks of a commit's conftest on the cluster: a real API server and sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from azora.errors import AzoraError, Refused
from azora.gateways.suites.pytest_runner import run_unit_tests
from azora.host.sandbox import Sandbox
from tests.support.api_server import ApiServer
from tests.support.gated import Gated, gated

CONFTEST = '''
import json, os, pathlib, ssl, urllib.error, urllib.request

NAMES = {"kubeconfig", "token", "tokens.csv", "accounts.key"}
ours = [name for name in os.environ if name.startswith(("KUBE", "AZORA_", "PREFECT_"))]
places = (FOLDER, "/root", "/home", "/run", "/var/run", "/etc/kubernetes", "/var/lib", os.path.expanduser("~"))
files = [
    f"{parent}/{name}"
    for top in places
    for parent, _, names in os.walk(top)
    for name in names
    if name in NAMES or name.endswith(".kubeconfig") or parent.endswith("/.kube")
]


def tried(method, path, body=None):
    """The answer of the API server without a login."""
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    asked = urllib.request.Request(
        URL + path, json.dumps(body).encode() if body else None, {"Content-Type": kind}, method=method
    )
    try:
        with urllib.request.urlopen(asked, timeout=20, context=ssl._create_unverified_context()) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return json.loads(error.read())["message"]


core = f"/api/v1/namespaces/{NAMESPACE}"
name = {"metadata": {"name": "azora-approved"}}
answers = [
    tried("GET", f"{core}/secrets"),
    tried("GET", f"{core}/configmaps/azora-approved"),
    tried("POST", f"{core}/configmaps", name),
    tried("PATCH", f"{core}/configmaps/azora-approved", {"data": {"approved": "x y"}}),
    tried("PATCH", f"{core}/services/shop", {"spec": {"selector": {"azora.dev/release": "9"}}}),
    tried("DELETE", f"{core}/services/shop"),
    tried("POST", f"/api/v1/namespaces/azora-system/serviceaccounts/{NAMESPACE}/token", {"spec": {}}),
]
print("seen", json.dumps({"variables": ours, "files": files, "answers": answers}))
'''


@pytest.fixture(scope="module")
def shop(server: ApiServer) -> Gated:
    return gated(server)


@pytest.mark.attack("a commit's conftest reads, writes and patches the cluster", by="RBAC")
def test_conftest_and_the_cluster(
    shop: Gated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused_by: Callable[[AzoraError], None]
) -> None:
    """It finds no kubeconfig, token or variable of the pipeline; to the API server it is nobody."""
    folder = shop.server.folder
    assert (folder / f"{shop.environment.name}.kubeconfig").is_file()
    monkeypatch.setenv("KUBECONFIG", str(folder / "admin.kubeconfig"))
    monkeypatch.setenv("AZORA_IDENTITIES", str(folder))
    export, log = tmp_path / "exports/commit", tmp_path / "runs/log"
    export.mkdir(parents=True)
    known = {"FOLDER": str(folder), "URL": shop.server.url, "NAMESPACE": shop.name}
    (export / "conftest.py").write_text("\n".join(f"{name} = {text!r}" for name, text in known.items()) + CONFTEST)
    (export / "test_nothing.py").write_text("def test_nothing(): ...\n")
    command = ["python3", "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"]
    run_unit_tests("shop", command, export, log=log, timeout_seconds=60, sandbox=Sandbox())
    (line,) = [line for line in log.read_text().splitlines() if line.startswith("seen ")]
    seen = json.loads(line.removeprefix("seen "))
    assert (seen["variables"], seen["files"]) == ([], [])
    assert len(seen["answers"]) == 7
    for message in seen["answers"]:
        assert 'User "system:anonymous"' in message
        refused_by(Refused(message))
