"""Layout of a node: its name decides subnet, ports, cgroup root and folders, which nobody shares."""

from __future__ import annotations

import json
import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from azora.errors import BadInput

# Added to the standard ports; far enough apart that no two nodes' ports meet.
KNOWN = {"demo": ("10.98.0", 0), "test": ("10.99.0", 10_000)}
HIGHEST_OFFSET = 57_000
NAME = re.compile(r"[a-z][a-z0-9]{0,7}")
SUBNET = re.compile(r"(\d{1,3}\.\d{1,3}\.\d{1,3})(\.0/24)?")


@dataclass(frozen=True)
class Layout:
    """Names, addresses and folders of one node; nothing here touches the machine."""

    name: str
    network: str
    """First three numbers of the node's /24."""
    port_offset: int
    state: Path

    @property
    def machine_name(self) -> str:
        """Name of the cgroup root, the host's end of the network link, the worker and the kubeconfig context."""
        return f"azora-{self.name}"

    @property
    def host_address(self) -> str:
        return f"{self.network}.1"

    @property
    def address(self) -> str:
        return f"{self.network}.2"

    @property
    def registry(self) -> str:
        return f"{self.address}:5000"

    @property
    def api_url(self) -> str:
        return f"https://{self.address}:6443"

    @property
    def ingress_port(self) -> int:
        return 8080 + self.port_offset

    @property
    def prefect_port(self) -> int:
        return 4200 + self.port_offset

    @property
    def reports_port(self) -> int:
        return 4280 + self.port_offset

    @property
    def viewer_port(self) -> int:
        return 4281 + self.port_offset

    @property
    def prometheus_port(self) -> int:
        """Not its usual 9090, where a Prometheus of the machine's own may be."""
        return 4290 + self.port_offset

    @property
    def exporter_port(self) -> int:
        """In the node's own network, so that nodes share no port whatever it is."""
        return 9877

    @property
    def prefect_url(self) -> str:
        return f"http://127.0.0.1:{self.prefect_port}"

    @property
    def reports_url(self) -> str:
        return f"http://127.0.0.1:{self.reports_port}"

    @property
    def viewer_url(self) -> str:
        return f"http://127.0.0.1:{self.viewer_port}"

    @property
    def prometheus_url(self) -> str:
        return f"http://127.0.0.1:{self.prometheus_port}"

    @property
    def etc(self) -> Path:
        return self.state / "etc"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def lib(self) -> Path:
        """Folder that survives a stop: etcd, images, volumes, databases."""
        return self.state / "lib"

    @property
    def log(self) -> Path:
        return self.state / "log"

    @property
    def run(self) -> Path:
        """Folder that does not survive a stop: sockets, process ids, pinned namespaces."""
        return self.state / "run"

    @property
    def temporary(self) -> Path:
        """Temporary files of runs; gone when the node stops."""
        return self.run / "tmp"

    @property
    def work(self) -> Path:
        """Folder in which runs write: the state of the worker, where root writes nothing and reads no program."""
        return self.state / "work"

    @property
    def runs(self) -> Path:
        """Reports of the pipeline's runs, served at `reports_url`."""
        return self.work / "runs"

    @property
    def addresses(self) -> Path:
        """Folder of a person's files `notify` and `grafana-token`, which the worker reads."""
        return self.state / "addresses"

    @property
    def requests(self) -> Path:
        """Folder of what the worker requests of the node."""
        return self.state / "requests"

    @property
    def registry_sweep(self) -> Path:
        """While it is there, the registry is to free its unused blobs."""
        return self.requests / "sweep-registry"

    @property
    def worker_is_root(self) -> Path:
        """File with the reason why the worker has no user of its own, where it has none."""
        return self.state / "worker-is-root"

    @property
    def lock(self) -> Path:
        """Lock of whoever starts, stops or sweeps the node."""
        return states() / f".{self.name}.lock"

    @property
    def sweep_program(self) -> Path:
        """Asks for a sweep: a path without arguments, which a shell can source."""
        return self.etc / "sweep-registry"

    @property
    def application(self) -> Path:
        return self.state / "application"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's; the pipeline has `identities`."""
        return self.state / "kubeconfig"

    @property
    def approver(self) -> Path:
        """Kubeconfig of the node's approver, a person without any other right."""
        return self.etc / "approver.kubeconfig"

    @property
    def environments(self) -> Path:
        """The node's own environment files, while its gate is on."""
        return self.state / "environments"

    @property
    def identities(self) -> Path:
        """One kubeconfig per environment: an account that may release there, and nothing else."""
        return self.state / "identities"

    @property
    def environment(self) -> Path:
        return self.state / "env"

    @property
    def auth(self) -> Path:
        """The auth string that Prefect and the report server ask for."""
        return self.state / "auth-string"

    @property
    def registry_login(self) -> Path:
        """The login of the registry, as buildah keeps one."""
        return self.state / "registry-login.json"

    @property
    def reports_key(self) -> Path:
        """The key that signs links to reports."""
        return self.state / "reports-key"

    @property
    def pins(self) -> Path:
        return self.run / "ns"

    @property
    def supervisor_socket(self) -> Path:
        return self.run / "supervisor.sock"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"

    @property
    def postgres(self) -> Path:
        return self.lib / "postgres"


def states() -> Path:
    return Path.home() / ".local/state/azora"


def known() -> list[str]:
    """Names of all nodes that have a state folder here."""
    return sorted(path.name for path in states().glob("*") if NAME.fullmatch(path.name))


def layout(name: str) -> Layout:
    """Layout of the node *name*: fixed for known names; else as before, as requested, or derived."""
    if not NAME.fullmatch(name):
        raise BadInput(
            f"could not use {name!r} as a node's name: use 1 to 8 lowercase letters and digits, a letter first",
            advice="choose a name such as 'demo', 'test' or 'mine2'",
        )
    state = states() / name
    network, offset = KNOWN.get(name) or _remembered(state) or _asked() or _derived(name)
    return Layout(name, network, offset, state)


def remember(node: Layout) -> None:
    """Keep the place of a node whose name does not tell it."""
    (node.state / "layout.json").write_text(json.dumps([node.network, node.port_offset]))


def _remembered(state: Path) -> tuple[str, int] | None:
    file = state / "layout.json"
    if not file.is_file():
        return None
    network, offset = json.loads(file.read_text())
    return str(network), int(offset)


def _asked() -> tuple[str, int] | None:
    subnet, base = os.environ.get("AZORA_SUBNET"), os.environ.get("AZORA_PORT_BASE")
    if not subnet or not base:
        return None
    matched = SUBNET.fullmatch(subnet)
    if not matched or not base.isdigit() or int(base) > HIGHEST_OFFSET:
        raise BadInput(
            f"could not use AZORA_SUBNET={subnet!r} with AZORA_PORT_BASE={base!r}",
            advice=f"give a /24 such as 10.97.0.0/24 and a number up to {HIGHEST_OFFSET} that is added to the ports 8080, 4200, 4280, 4281 and 4290",
        )
    return matched[1], int(base)


def _derived(name: str) -> tuple[str, int]:
    slot = zlib.crc32(name.encode()) % 100
    return f"10.100.{slot}", 20_000 + 300 * slot
