"""Another application on a cluster of one's own: docs/own-cluster.md by its own commands, in order.

The commands start from nothing.

The embedded node plays the team's cluster. The team has a home, a settings file, namespaces, a Prefect server and a worker of its
own; nothing of the node's own pipeline is asked.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from azora.config.settings import ROOT, node_environment
from azora.gateways.probe.probe import Probe
from azora.host.process import clean_environment
from azora.local import health
from tests.support import document, pipeline
from tests.support.polling import until
from tests.support.prefect_server import server_program

NAMESPACES = ("guestbook-staging", "guestbook-production")
INSTALLED = "Install"  # this checkout is
THE_WORKER = "The worker"
THE_DOCUMENT_S_PREFECT = "https://prefect.example.org/api"
START_SECONDS = 60
COMMAND_SECONDS = 300

COMMANDS = document.blocks("sh")

pytestmark = pytest.mark.slow


@dataclass
class Team:
    """Reader of the document, in a shell that goes on from block to block, in a home of its own."""

    home: Path
    prefect: str
    env: dict[str, str]
    done: list[str] = field(default_factory=lambda: [INSTALLED])

    def follow_until(self, heading: str) -> None:
        """Run what was not run yet, up to the end of the section *heading*."""
        for name in list(COMMANDS)[len(self.done) :]:
            self.done.append(name)
            for block in COMMANDS[name]:
                self.run(block)
            if name == heading:
                return

    def run(self, block: str) -> None:
        """Run *block* as typed; the first command that fails is the end.

        What the block exports is there in the next one.
        """
        kept = self.home / ".variables"
        script = f"{self.filled(block)}\nenv -0 > {kept}\n"
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,  # nobody answers questions
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        self.env = dict(line.split("=", 1) for line in kept.read_text().split("\0") if line)

    def filled(self, block: str) -> str:
        return block.replace(THE_DOCUMENT_S_PREFECT, self.prefect)

    @contextmanager
    def work(self) -> Iterator[None]:
        """The worker, as the document starts it, for as long as the block takes."""
        (command,) = COMMANDS[THE_WORKER]
        self.done.append(THE_WORKER)
        with running(["bash", "-c", f"exec {command}"], self.env, self.home / "worker.log"):
            until(self._works, seconds=START_SECONDS, what=f"the worker; see {self.home / 'worker.log'}")
            yield

    def _works(self) -> bool:
        workers = health.posted(f"{self.prefect}/work_pools/azora/workers/filter", {}, auth_string="") or []
        return any(one["status"] == "ONLINE" for one in workers)

    def status(self, environment: str) -> dict[str, Any]:
        command = [str(ROOT / ".venv/bin/azora"), "status", environment, "--json"]
        said = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=60, check=True)
        found: dict[str, Any] = json.loads(said.stdout)["environments"][environment]
        return found


@pytest.fixture
def team(node: str, tmp_path: Path) -> Iterator[Team]:
    """Team with a kubeconfig, a registry and a Prefect server.

    What the team makes in the cluster is removed after the block.
    """
    known = node_environment(node)
    (tmp_path / ".kube").mkdir()
    shutil.copy(known["AZORA_KUBECONFIG"], tmp_path / ".kube/config")
    (tmp_path / ".config/containers").mkdir(parents=True)
    shutil.copy(known["AZORA_REGISTRY_LOGIN"], tmp_path / ".config/containers/auth.json")
    addresses: dict[str, str | bool | int] = {
        "repository": str(tmp_path / "guestbook"),
        "kube_context": known["AZORA_KUBE_CONTEXT"],
        "registry": known["AZORA_REGISTRY"],
        "registry_plain_http": True,
        "base_image": known["AZORA_BASE_IMAGE"],
        "ingress_address": known["AZORA_INGRESS_ADDRESS"],
        "ingress_port": int(known["AZORA_INGRESS_PORT"]),
        "helm": known["AZORA_HELM"],
    }
    (tmp_path / "azora.toml").write_text(document.settings_file(addresses))
    env = clean_environment(
        HOME=str(tmp_path),
        PATH=f"{Path(known['AZORA_HELM']).parent}:{os.environ['PATH']}",  # kubectl
        XDG_CACHE_HOME=os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),  # layers of the machine
        **{f"GIT_{who}_{what}": "team@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    )
    remove_namespaces()  # what a killed test left
    try:
        with prefect_server(tmp_path) as prefect:
            yield Team(tmp_path, prefect, env)
    finally:
        remove_namespaces()


@contextmanager
def prefect_server(home: Path) -> Iterator[str]:
    """The team's own, starting; the address of its API."""
    command, env, url = server_program(home)
    with running(command, env, home / "prefect-server.log"):
        yield url


@contextmanager
def running(command: list[str], env: dict[str, str], log: Path) -> Iterator[None]:
    """A program of the team's, with all that it starts, until the end of the block."""
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                os.killpg(process.pid, number)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    continue


def remove_namespaces() -> None:
    """Remove the namespaces of the guestbook, and the accounts that may release there.

    The pods are given no time to end.
    """
    pipeline.kubectl("delete", "namespace", *NAMESPACES, "--ignore-not-found", "--wait=false")
    for name in NAMESPACES:
        pipeline.kubectl("-n", name, "delete", "pods", "--all", "--grace-period=0", "--force", "--wait=false")
    pipeline.kubectl("wait", "--for=delete", *(f"namespace/{name}" for name in NAMESPACES), "--timeout=110s")
    pipeline.kubectl("-n", "azora-system", "delete", "serviceaccount", *NAMESPACES, "--ignore-not-found")


def approved() -> str:
    """Lines of approvals in the cluster."""
    return pipeline.kubectl(
        "-n", NAMESPACES[1], "get", "configmap", "azora-approved", "-o", "jsonpath={.data.approved}"
    )


def page() -> httpx.Response:
    """Page that a visitor of production sees."""
    found = node_environment(os.environ["AZORA_NODE"])
    return httpx.get(f"http://{found['AZORA_INGRESS_ADDRESS']}/", headers={"Host": "guestbook.localhost"}, timeout=10)


@contextmanager
def visitors() -> Iterator[Probe]:
    """Visitors of production, on fresh and on kept connections."""
    found = node_environment(os.environ["AZORA_NODE"])
    url = f"http://guestbook.localhost:{found['AZORA_INGRESS_PORT']}"
    with Probe(url, connect=found["AZORA_INGRESS_ADDRESS"], rate_per_second=50, path="/ping") as probe:
        yield probe


def test_own_cluster_by_its_document(
    team: Team,
) -> None:
    """The first release in blue, after a person's yes; the second in green, and no visitor's request fails meanwhile."""
    team.follow_until("Namespaces and rights")
    log = team.home / "prefect-server.log"
    until(lambda: health.answers(f"{team.prefect}/health"), seconds=START_SECONDS, what=f"Prefect; see {log}")
    team.follow_until("Prefect")
    with team.work():
        team.follow_until("The first release")
        first = team.status("production")
        seen_first = page()
        with visitors() as probe:
            team.follow_until("The next release")
            seen = probe.stop()
    second = team.status("production")

    assert team.done == list(COMMANDS), "a section of the document was not run"
    assert first["live"] == "blue"
    assert "Grace" in seen_first.text
    assert "Linus" not in seen_first.text
    assert second["live"] == "green"
    assert "Linus" in page().text
    assert page().headers["X-Azora-Color"] == "green"
    assert [(one["kind"], one["to"]) for one in second["history"]] == [("first", "blue"), ("promotion", "green")]
    assert all(one["approval"] for one in second["history"]), "nobody was asked"
    assert {line.split()[-1] for line in approved().splitlines()} == {"admin"}, "not as the person of the kubeconfig"
    assert second["history"][-1]["requests"] > 0
    assert second["history"][-1]["failed"] == 0
    assert seen.failed == 0, seen.summary()
    assert seen.first_on("green") is not None
    assert seen.unsent == 0
