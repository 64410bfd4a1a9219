"""The worker of the node: a user of its own, from which the node's keys and root's files are away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from azora.host.become import FIRST
from azora.local.layout import Layout, layout
from azora.local.programs import programs
from azora.local.supervision import Supervisor
from azora.local.worker_user import as_worker, worker_variables


@pytest.fixture
def here(node: str) -> Layout:
    found = layout(node)
    if found.worker_is_root.exists():
        pytest.skip(found.worker_is_root.read_text())
    return found


def pid_of(here: Layout, service: str) -> int:
    return next(int(one["pid"]) for one in Supervisor(here).processes() if one["name"] == service)


@pytest.mark.parametrize("service", ["prefect-worker", "reports"])
def test_user_of_what_runs(here: Layout, service: str) -> None:
    """The worker and the report server are nobody's number, and see no key and no socket of the node."""
    process = Path(f"/proc/{pid_of(here, service)}")
    (line,) = [one for one in (process / "status").read_text().splitlines() if one.startswith("Uid:")]
    assert line.split()[1:] == [str(FIRST)] * 4
    outside = [
        here.kubeconfig,
        *here.pki.glob("*.key"),
        *here.etc.glob("*.kubeconfig"),
        here.containerd_socket,
        here.auth,
    ]
    assert len(outside) > 12
    assert [file for file in outside if (process / f"root{file}").exists()] == []
    assert (process / f"root{here.runs}").is_dir()


def test_accounts_of_the_pipeline(here: Layout) -> None:
    """It has the accounts of the environments, and cannot change them: root reads them, too."""
    file = here.identities / "production.kubeconfig"
    script = f"cat {file} >/dev/null && echo read; echo changed 2>/dev/null >>{file} || echo refused"
    command = as_worker(("sh", "-c", script), here, programs())
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "read\nrefused\n"


def test_sweep_on_request(here: Layout) -> None:
    """A run has the registry free its blobs by the command of its settings, without a right on the node."""
    env = {**worker_variables(here, programs()), "HOME": str(Path.home())}
    command = as_worker((env["AZORA_REGISTRY_SWEEP"],), here, programs())
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    assert done.stdout.endswith(f"the registry of {here.name} is swept\n")


def test_commands_that_use_what_runs_wrote(here: Layout) -> None:
    """`azora prune` of root lists the worker's reports, as the worker."""
    (here.runs / "by-hand").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "azora", "prune", "--dry-run"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "layers" in done.stdout
