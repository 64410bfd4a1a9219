"""A second node beside the one of all tests: it keeps to itself, survives kills, leaves no trace."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from azora.local import cgroups, namespaces
from azora.local import node as life
from azora.local.images import base_image
from azora.local.layout import Layout, known, layout
from azora.local.programs import programs
from azora.local.progress import Progress
from azora.local.supervision import Supervisor
from tests.support.polling import until

STEPS = Progress(Console(quiet=True))
OTHER = layout("test")
NEVER_STOPPED_BY_A_TEST = ("containerd", "etcd", "kubelet", "postgres", "registry")
KEEPER = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: kept}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: keeper}}
spec:
  selector: {{matchLabels: {{app: keeper}}}}
  template:
    metadata: {{labels: {{app: keeper}}}}
    spec:
      securityContext: {{runAsUser: 1000, runAsNonRoot: true, fsGroup: 1000}}
      containers:
        - name: keeper
          image: {image}
          command: [sh, -euc, "date >>/kept/starts; exec python3 -m http.server --directory /kept 8000"]
          volumeMounts: [{{name: kept, mountPath: /kept}}]
          readinessProbe: {{httpGet: {{path: /starts, port: 8000}}, periodSeconds: 1}}
      volumes: [{{name: kept, persistentVolumeClaim: {{claimName: kept}}}}]
"""

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def before() -> dict[str, list[str]]:
    return machine()


@pytest.fixture(scope="module")
def started(before: dict[str, list[str]]) -> Iterator[Layout]:  # noqa: ARG001 - looked at before it starts
    """A node `side`, up with everything, one pod with a volume on it."""
    node = layout("side")
    life.up(node, STEPS)
    kubectl(node, "apply", "-f", "-", stdin=KEEPER.format(image=base_image(node)))
    kubectl(node, "rollout", "status", "deployment/keeper", "--timeout=90s")
    yield node
    life.clean(node, STEPS)


@pytest.fixture
def side(started: Layout) -> Layout:
    """The same, up again where the test before stopped it."""
    if not life.status(started):
        life.up(started, STEPS)
    return started


def test_keys_and_tokens(side: Layout) -> None:
    """Nobody else can read them."""
    private = [*side.pki.rglob("*.key"), *side.etc.glob("*.kubeconfig"), side.kubeconfig, side.environment, side.auth]
    private += side.identities.glob("*.kubeconfig")
    assert len(private) > 12
    assert {path.stat().st_mode & 0o077 for path in (*private, side.state, side.identities)} == {0}


def test_listening_sockets(side: Layout) -> None:
    """The node listens on loopback and in its own network namespace only."""
    machines_own = Path("/proc/self/ns/net").stat().st_ino
    ours = {pid for pid in cgroups.processes(side) if Path(f"/proc/{pid}/ns/net").stat().st_ino == machines_own}
    listening = [line for line in run("ss", "-Hltnp").splitlines() if any(f"pid={pid}," in line for pid in ours)]
    assert len(listening) >= 3, "ingress, Prefect and reports"
    assert [line for line in listening if not line.split()[3].startswith("127.0.0.1:")] == []


def test_packets(side: Layout) -> None:
    """They have no way out of the machine."""
    routes = run(*namespaces.inside(side), "ip", "route").splitlines()
    assert [route for route in routes if route.startswith("default")] == []


def test_weight_of_pods(side: Layout) -> None:
    """They count for four processes of a busy machine."""
    files = [root / name for root in cgroups.roots(side) for name in cgroups.ONE_PROCESS if (root / name).is_file()]
    assert {file.name: file.read_text().strip() for file in files} in ({"cpu.shares": "4096"}, {"cpu.weight": "400"})


def test_weight_of_the_ingress(side: Layout) -> None:
    """The way of users into the node goes before its other processes."""
    assert os.getpriority(os.PRIO_PROCESS, processes_of(side)["ingress"]) == -10


def test_up_on_a_running_node(side: Layout) -> None:
    """It changes nothing, and is quick."""
    pids = processes_of(side)
    began = time.monotonic()
    life.up(side, STEPS)
    assert time.monotonic() - began < 30
    assert processes_of(side) == pids


def test_killed_program(side: Layout) -> None:
    """It is started again."""
    before_it_died = processes_of(side)["kube-scheduler"]
    os.kill(before_it_died, signal.SIGKILL)
    until(
        lambda: processes_of(side).get("kube-scheduler", before_it_died) not in (before_it_died, 0),
        seconds=15,
        what="the scheduler is back",
    )


def test_killed_supervisor(side: Layout) -> None:
    """It and all that it kept come back, and no pod notices."""
    pods = pods_of(side)
    for pid in cgroups.processes(side, below=cgroups.home(side)):
        if not cgroups.is_shim(pid):
            os.kill(pid, signal.SIGKILL)
    life.up(side, STEPS)
    kubectl(side, "rollout", "status", "deployment/keeper", "--timeout=60s")
    assert pods_of(side) == pods


def test_everything_killed(side: Layout) -> None:
    """It comes back with its data."""
    starts = kept(side)
    cgroups.kill(side)
    life.up(side, STEPS)
    until(lambda: kept(side).startswith(starts) and kept(side) != starts, seconds=60, what="what the node keeps")


def test_machine_that_started_anew(side: Layout) -> None:
    """After a reboot: no process, no mount, no namespace, and files of before in the folder of what runs."""
    starts = kept(side)
    cgroups.kill(side)
    namespaces.close_namespaces(side)
    cgroups.close_groups(side)
    assert side.supervisor_socket.exists()
    life.up(side, STEPS)
    until(lambda: kept(side).startswith(starts) and kept(side) != starts, seconds=60, what="what the node keeps")


def test_down(side: Layout, before: dict[str, list[str]]) -> None:
    """It leaves nothing, and the other node alone."""
    other = lasting(OTHER)
    held = {(side.pins / name).stat().st_ino for name in ("net", "mnt")}
    life.down(side, STEPS)
    assert machine() == before
    assert cgroups.processes(side) == []
    until(
        lambda: not [link for link in namespace_links() if any(f"[{inode}]" in link for inode in held)],
        seconds=10,
        what="its links are gone",
    )
    assert not side.run.exists()
    assert lasting(OTHER) == other
    life.down(side, STEPS)  # of a node that is down: no error
    assert life.status(side) == []


def machine() -> dict[str, list[str]]:
    """Things that a node could leave behind; other nodes and builds come and go meanwhile."""
    mounts = "\n".join(line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines())
    looked_at = {
        "mounts": mounts,
        "links": run("ip", "-brief", "link"),
        "routes": run("ip", "route", "show", "table", "all"),
        "tables": run("nft", "list", "tables"),
        "namespaces": run("ip", "netns", "list"),
        "groups": "\n".join(str(path) for path in cgroups.HIERARCHIES.glob("*/azora-*")),
    }
    others = [layout(name) for name in known() if name != "side"]
    foreign = [
        "/storage/overlay",
        *(word for one in others for word in (one.machine_name, f"{one.network}.", str(one.state))),
    ]
    return {
        what: sorted(line for line in lines.splitlines() if not any(word in line for word in foreign))
        for what, lines in looked_at.items()
    }


def namespace_links() -> set[str]:
    """Namespaces that some living process is in."""
    found: set[str] = set()
    for name in ("net", "mnt"):
        for link in Path("/proc").glob(f"[0-9]*/ns/{name}"):
            try:
                found.add(str(link.readlink()))
            except OSError:
                continue
    return found


def processes_of(node: Layout) -> dict[str, int]:
    return {one["name"]: one["pid"] for one in Supervisor(node).processes() if one["statename"] == "RUNNING"}


def lasting(node: Layout) -> dict[str, int]:
    """Processes that stay the same whatever the tests on *node* do meanwhile."""
    return {name: pid for name, pid in processes_of(node).items() if name in NEVER_STOPPED_BY_A_TEST}


def pods_of(node: Layout) -> list[str]:
    """Uid and restarts of every pod."""
    paths = "{range .items[*]}{.metadata.uid} {.status.containerStatuses[0].restartCount}{'\\n'}{end}"
    return sorted(kubectl(node, "get", "pods", "-A", "-o", f"jsonpath={paths}").splitlines())


def kept(node: Layout) -> str:
    """Each start of the keeper wrote a line into its volume."""
    done = subprocess.run(
        [*kubectl_of(node), "exec", "deployment/keeper", "--", "cat", "/kept/starts"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def kubectl_of(node: Layout) -> list[str]:
    return [str(programs() / "kubectl"), f"--kubeconfig={node.kubeconfig}"]


def kubectl(node: Layout, *arguments: str, stdin: str | None = None) -> str:
    return run(*kubectl_of(node), *arguments, stdin=stdin)


def run(*command: str, stdin: str | None = None) -> str:
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True, timeout=120).stdout
