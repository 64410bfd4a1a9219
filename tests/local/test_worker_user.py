"""User of the node's worker: which one it gets, what it sees of the node, what an older version left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from azora.config.settings import ROOT
from azora.errors import BadInput
from azora.local import worker_user
from azora.local.configuration import write_configuration
from azora.local.env_file import write_environment
from azora.local.layout import Layout
from azora.local.pki import make_certificates
from azora.local.registry_login import write_registry_login
from azora.local.worker_user import as_worker, choose, go_on_as_worker, make_folders, worker_variables

of_root = pytest.mark.skipif(os.geteuid() != 0, reason="root alone can give a program another user")


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The files of a node that was never started."""
    monkeypatch.delenv("AZORA_WORKER_USER", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = Layout("unit", "10.97.0", 0, tmp_path / "state")
    make_folders(found)
    make_certificates(found)
    write_configuration(found, "pause")
    write_registry_login(found)
    write_environment(found, tmp_path / "programs")
    return found


def seen(node: Layout, *argv: str) -> str:
    """Output of *argv* as the worker."""
    programs = node.state / "programs"
    command = as_worker(argv, node, programs)
    env = worker_variables(node, programs) | {"HOME": os.environ["HOME"]}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env, cwd=ROOT).stdout


@of_root
def test_files_of_the_node(node: Layout) -> None:
    """The worker has its work, its accounts and its logins of a node; no key and no administrator's kubeconfig."""
    (node.identities / "staging.kubeconfig").write_text("account")
    assert choose(node, node.state / "programs") == ""
    found = seen(node, "find", str(node.state), "-type", "f").split()
    inside = {str(Path(file).relative_to(node.state)) for file in found}
    assert inside == {
        "env", "registry-login.json", "etc/sweep-registry", "identities/staging.kubeconfig", "addresses/notify",
    }  # fmt: skip
    assert {file for file in node.state.rglob("*") if file.suffix in {".key", ".kubeconfig"}} > {node.pki / "ca.key"}


@of_root
def test_code_of_the_pipeline(node: Layout) -> None:
    """The worker starts Azora from the checkout, and cannot change it."""
    choose(node, node.state / "programs")
    said = seen(node, sys.executable, "-c", "import prefect.settings, azora.host.become as one; print(one.__file__)")
    assert said == f"{ROOT}/azora/host/become.py\n"
    said = seen(node, "sh", "-c", f"touch {ROOT}/azora/host/become.py 2>/dev/null || echo refused; touch {node.work}/x")
    assert said == "refused\n"


def test_root_by_choice(node: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """AZORA_WORKER_USER=root leaves the worker root, and the node says so from then on."""
    monkeypatch.setenv("AZORA_WORKER_USER", "root")
    assert choose(node, Path()) == "root, by AZORA_WORKER_USER"
    assert node.worker_is_root.read_text() == "root, by AZORA_WORKER_USER"
    assert as_worker(("true",), node, Path()) == ("true",)
    monkeypatch.setenv("AZORA_WORKER_USER", "nobody")
    with pytest.raises(BadInput, match="AZORA_WORKER_USER='nobody'"):
        choose(node, Path())


def test_machine_that_cannot(node: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without idmapped mounts leaves the worker root, with what the kernel says about it."""
    monkeypatch.setattr(worker_user, "cache_of_workers", lambda: Path("/proc/sys"))
    reason = choose(node, Path())
    assert reason.startswith("root: could not ")
    if os.geteuid() == 0:
        assert reason == "root: could not give /proc/sys to another user: Invalid argument"
    assert node.worker_is_root.read_text() == reason


def test_state_of_an_older_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports, mirrors and addresses for notices are found again; what is there already stays."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    node = Layout("unit", "10.97.0", 0, tmp_path)
    for name in (
        "runs/one/report",
        "mirror/a.git/HEAD",
        "notify",
        "lib/prefect/storage/result",
        "work/cases/new",
        "cases/old",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    for _ in range(2):
        make_folders(node)
    moved = (
        "work/runs/one/report",
        "work/mirror/a.git/HEAD",
        "addresses/notify",
        "work/prefect/storage/result",
        "work/cases/new",
    )
    assert all((tmp_path / name).is_file() for name in moved)
    assert (tmp_path / "addresses/notify").read_text() == "notify"
    assert (tmp_path / "cases/old").is_file()


def test_commands_that_go_on(node: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of root goes on as the worker, once; on a machine without such a node it goes on as it is."""
    started: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(worker_user, "_exit_code", lambda *arguments: started.append(arguments) or 5)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "argv", ["azora", "prune", "--dry-run"])
    monkeypatch.delenv("AZORA_STATE", raising=False)
    monkeypatch.setattr(worker_user, "node_environment", lambda _: {})
    go_on_as_worker(node)
    assert not started
    monkeypatch.setattr(worker_user, "node_environment", lambda _: {"AZORA_HELM": "/programs/helm"})
    with pytest.raises(SystemExit, match="5"):
        go_on_as_worker(node)
    ((command, env),) = started
    assert list(command[-5:]) == [sys.executable, "-m", "azora", "prune", "--dry-run"]
    assert "become.py" in " ".join(command)
    assert env["AZORA_STATE"] == str(node.work)
    monkeypatch.setenv("AZORA_STATE", str(node.work))
    go_on_as_worker(node)
    assert len(started) == 1
