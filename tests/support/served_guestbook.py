"""The guestbook as an application of the node's Prefect: registered there, with a worker of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from azora.config.settings import ROOT, settings
from azora.gateways.prefect.registration import dead_runs, register
from azora.host.own_user import OwnUser
from azora.host.process import clean_environment
from azora.local.layout import layout
from azora.local.worker_user import user_of, worker_variables
from tests.support import pipeline
from tests.support.guestbook import SOURCE, Guestbook, environments_of, git, make_repository, settings_of, variables

Policies = dict[str, dict[str, object]]

TWO_STAGES: Policies = {
    "staging": {},
    "production": {"approval": {"ask": "before_preview"}, "proof": {"environment": "staging"}, "notices": "all"},
}


@dataclass(frozen=True)
class Served:
    """An application that runs can be started of; which environments it has says each test file."""

    name: str
    folder: Path

    @property
    def repository(self) -> Path:
        return self.folder / "guestbook"

    @contextmanager
    def with_environments(self, prefix: str, policies: Policies) -> Iterator[Guestbook]:
        """The guestbook with environments of its own for the block; main is afterwards as it was.

        The settings of this process are the application's.
        """
        first = git(self.repository, "rev-parse", "main")
        with settings_of(variables(self.folder, self.name)):
            with environments_of(f"{self.name}-{prefix}", policies):
                yield Guestbook(self.repository)
                pipeline.reject_what_waits()
            git(self.repository, "checkout", "--quiet", "--force", "main")
            git(self.repository, "reset", "--quiet", "--hard", first)


@contextmanager
def served(name: str, folder: Path) -> Iterator[Served]:
    """The guestbook as application *name*; Prefect knows nothing of it after the block."""
    make_repository(folder / "guestbook", SOURCE, name)
    forget(name)  # what a killed run of the tests left
    known = variables(folder, name)
    with settings_of(known):
        (folder / "environments").mkdir()
        for environment in TWO_STAGES:  # a deployment for each; what they say comes with each test file
            (folder / f"environments/{environment}.yaml").write_text(
                f"{{namespace: {name}, hosts: {{live: a, preview: b}}}}\n"
            )
        list(register(settings()))
    with working(name, folder / "worker.log", known):
        try:
            yield Served(name, folder)
        finally:
            forget(name)


@contextmanager
def working(name: str, log: Path, known: dict[str, str]) -> Iterator[None]:
    """Worker of the application *name* with the settings *known*, as the node's worker has its own user.

    It is ended at the end of the block, or of this process.
    """
    ours = {key: value for key, value in os.environ.items() if key.startswith(("AZORA_", "PREFECT_"))}
    programs, node = Path(settings().helm).parent, layout(settings().node)
    logged = {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_LOGGING_TO_API_ENABLED": "true"}
    env = clean_environment(**ours | worker_variables(node, programs) | known | logged)
    command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "prefect", "worker", "start"]
    command += ["--pool=azora", f"--work-queue={name}", "--type=process", f"--name={name}"]
    if not node.worker_is_root.exists():
        of_node, state = user_of(node, programs), Path(known["AZORA_STATE"])
        state.mkdir(exist_ok=True)
        command = OwnUser((*of_node.readable, state.parent), (*of_node.writable, state)).command(command)
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        try:
            yield
        finally:
            process.kill()  # nothing runs any more; a worker asked to end waits for its queries
            process.wait()


def forget(name: str) -> None:
    """Remove the application *name* from Prefect and from the cluster.

    That is its runs, deployments, automation and namespaces.
    """
    mine = {"tags": {"all_": [f"application:{name}"]}}
    with pipeline.prefect() as client:
        for kind, body in (("flow_runs", {"flow_runs": mine}), ("deployments", {"deployments": mine})):
            for found in client.post(f"/{kind}/filter", json=body).raise_for_status().json():
                client.delete(f"/{kind}/{found['id']}").raise_for_status()
        automated = {"automations": {"name": {"any_": [dead_runs(name).name]}}}
        for found in client.post("/automations/filter", json=automated).raise_for_status().json():
            client.delete(f"/automations/{found['id']}").raise_for_status()
    namespaces = pipeline.kubectl("get", "namespaces", "-o", "name").split()
    if left := [one.removeprefix("namespace/") for one in namespaces if one.startswith(f"namespace/{name}-")]:
        pipeline.kubectl("delete", "namespace", *left)
