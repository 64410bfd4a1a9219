"""Life of a node: up, down, status.

Each is safe to repeat, also after a crash or a reboot.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from azora.errors import Failed, Unreachable
from azora.host.folders import erase
from azora.host.locks import only_one
from azora.local import addons, cgroups, images, monitoring, namespaces, prefect, rights, worker_user
from azora.local.application import make_application
from azora.local.cache import BUILD_SECONDS
from azora.local.configuration import write_configuration
from azora.local.env_file import write_environment
from azora.local.gate import choose_gate
from azora.local.kubernetes import node_services, registry
from azora.local.layout import Layout, remember
from azora.local.machine import check_machine
from azora.local.pki import make_certificates
from azora.local.programs import programs
from azora.local.progress import Progress
from azora.local.registry_login import write_registry_login
from azora.local.service import NodeService, Stage, log_of
from azora.local.supervision import Supervisor

SWEEP_SECONDS = 800.0  # below what a run waits for it


@dataclass(frozen=True)
class ServiceStatus:
    name: str
    state: str
    ready: bool
    pid: int
    up_seconds: int


@contextmanager
def _alone(node: Layout) -> Iterator[None]:
    """One start, stop or sweep of a node at a time."""
    with only_one(node.lock, what=f"change node {node.name!r}", timeout_seconds=BUILD_SECONDS):
        yield


def up(node: Layout, steps: Progress, *, with_prefect: bool = True, with_gate: bool | None = None) -> None:
    """Everything of *node* running and ready; what is there already is left alone.

    *with_gate*: None keeps the choice of the last start.
    """
    check_machine()
    with _alone(node):
        node.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        choose_gate(node, with_gate)
        with steps.step("programs of the node") as say:
            built = programs(say)
        with steps.step(f"namespaces, control groups, certificates of {node.name}"):
            _prepare(node, built)
        with steps.step("user of the worker") as say:
            say(worker_user.choose(node, built) or "one of its own")
        supervisor = Supervisor(node)
        services = _services(node, built)
        with steps.step("supervisor"):
            if with_prefect:
                prefect.make_database(node)
            supervisor.open(services)
        wanted = services if with_prefect else node_services(node, built)
        _start(node, built, supervisor, wanted, steps)
        if with_prefect:
            with steps.step("deployments of prefect.yaml") as say:
                say(prefect.register_deployments(node, built))


def down(node: Layout, steps: Progress) -> None:
    """Nothing of *node* left on the machine but its state folder."""
    with _alone(node):
        with steps.step(f"processes of {node.name}"):
            Supervisor(node).stop_all()
            cgroups.kill(node)
        with steps.step("namespaces, mounts, control groups"):
            namespaces.close_namespaces(node)
            cgroups.close_groups(node)
            erase(node.run)


def clean(node: Layout, steps: Progress) -> None:
    """*node* down, and its state forgotten."""
    down(node, steps)
    with steps.step(f"state in {node.state}"):
        erase(node.state)
        node.lock.unlink(missing_ok=True)


def sweep(node: Layout) -> None:
    """Let the registry free the blobs that nothing names; it starts anew.

    It needs no right on the node: a file is the request.

    Raises:
        Unreachable: the node is down.
        Failed: it did not free them; its log says why.
    """
    ready = registry(node).ready
    if not ready():
        raise Unreachable(f"could not reach the node {node.name!r}: it is down", advice=f"azora local up {node.name}")
    failed = node.registry_sweep.with_name(f"{node.registry_sweep.name}.failed")
    failed.unlink(missing_ok=True)
    node.registry_sweep.touch()
    deadline = time.monotonic() + SWEEP_SECONDS
    while node.registry_sweep.exists() or not (failed.exists() or ready()):
        if time.monotonic() > deadline:
            raise Failed(
                f"could not free the registry's blobs: no end within {SWEEP_SECONDS:g} s",
                advice=f"read {log_of(node, 'registry')}",
            )
        time.sleep(0.1)
    if failed.exists():
        raise Failed(
            "could not free the registry's blobs: its collector failed", advice=f"read {log_of(node, 'registry')}"
        )


def status(node: Layout) -> list[ServiceStatus]:
    """Each service as the supervisor and its own health check see it; empty when the node is down."""
    if not node.environment.is_file():
        return []
    known = {service.name: service for service in _services(node, Path())}
    return [
        ServiceStatus(
            one["name"],
            one["statename"],
            known[one["name"]].ready(),
            one["pid"],
            one["now"] - one["start"] if one["pid"] else 0,
        )
        for one in Supervisor(node).processes()
        if one["name"] in known
    ]


def _services(node: Layout, built: Path) -> list[NodeService]:
    return [
        *node_services(node, built),
        *prefect.prefect_services(node, built),
        *monitoring.monitoring_services(node, built),
    ]


def _prepare(node: Layout, built: Path) -> None:
    if not namespaces.are_up(node) or not cgroups.processes(node):
        # Of a node whose namespaces are gone nothing can go on; and where nothing lives, what containerd remembers of
        # its shims costs it a minute of asking the dead.
        cgroups.kill(node)
        namespaces.close_namespaces(node)
        erase(node.run)
    for folder in (node.log, node.run, node.lib / "containerd"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    worker_user.make_folders(node)
    remember(node)
    namespaces.open_namespaces(node)
    cgroups.open_groups(node)
    make_certificates(node)
    write_configuration(node, images.pause_image(node, built))
    write_registry_login(node)
    monitoring.write_monitoring(node)
    write_environment(node, built)


def _start(node: Layout, built: Path, supervisor: Supervisor, services: list[NodeService], steps: Progress) -> None:
    """Stage by stage; what the cluster needs from the registry is there before the first pod."""
    for stage, members in groupby(
        sorted(services, key=lambda service: service.stage), key=lambda service: service.stage
    ):
        together = list(members)
        with steps.step(", ".join(service.name for service in together)) as say:
            supervisor.start(together, say)
        if stage is Stage.STORAGE:
            _after_storage(node, built, steps, with_database=any(service.name == "postgres" for service in together))
        if stage is Stage.NODE:
            _after_node(node, built, steps)


def _after_storage(node: Layout, built: Path, steps: Progress, *, with_database: bool) -> None:
    if with_database:
        prefect.make_owner(node)
    with steps.step("images of the node and of Python") as say:
        images.push_node_images(node, built, say)
        images.push_base_image(node, say)
    with steps.step(f"application repository {node.application}") as say:
        say(make_application(node))


def _after_node(node: Layout, built: Path, steps: Progress) -> None:
    with steps.step("node ready"):
        addons.wait_for_node(node, built)
    with steps.step("name service and ingress controller") as say:
        addons.apply_addons(node, built)
        addons.wait_for_addons(node, built, say)
    with steps.step("rights of the pipeline") as say:
        say(", ".join(rights.let_pipeline_in(node)))
    with steps.step("gate of approvals") as say:
        say(", ".join(rights.set_gates(node)) or "off: a form approves")
