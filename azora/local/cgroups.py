"""Control groups of the node: the kubelet's root, and the group in which its processes start.

Two kubelets on one root kill each other's pods as orphans; and membership is how `down` knows what is ours.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from azora.errors import Failed
from azora.local.layout import Layout

HIERARCHIES = Path("/sys/fs/cgroup")

# What a node's pods count for when the processor is short: as many processes of the machine beside them. As one, which is what
# a new group is, users wait for seconds while something is built or tested.
WEIGHT = 4
ONE_PROCESS = {"cpu.shares": 1024, "cpu.weight": 100}  # cgroup v1, v2


def unified() -> bool:
    return (HIERARCHIES / "cgroup.controllers").is_file()


def roots(node: Layout) -> list[Path]:
    """The node's group in every hierarchy of the machine."""
    tops = (
        [HIERARCHIES]
        if unified()
        else [path for path in HIERARCHIES.iterdir() if path.is_dir() and not path.is_symlink()]
    )
    return [top / node.machine_name for top in tops]


def home(node: Layout) -> Path:
    """The group of the node's own processes; pods have theirs beside it."""
    top = HIERARCHIES if unified() else HIERARCHIES / "pids"
    return top / node.machine_name / "node"


def open_groups(node: Layout) -> None:
    for root in roots(node):
        root.mkdir(exist_ok=True)
        for name in ("cpuset.mems", "cpuset.cpus"):  # empty in a new group of cgroup v1: nothing may run there
            if not unified() and (root / name).is_file():
                (root / name).write_text((root.parent / name).read_text())
    home(node).mkdir(exist_ok=True)
    if unified():
        offered = (HIERARCHIES / "cgroup.controllers").read_text().split()
        for group in (HIERARCHIES, HIERARCHIES / node.machine_name):
            (group / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in offered))
    for root in roots(node):
        for name, one in ONE_PROCESS.items():
            if (root / name).is_file():
                (root / name).write_text(str(WEIGHT * one))


def processes(node: Layout, *, below: Path | None = None) -> list[int]:
    """Ids of all living processes of the node and its pods; zombies do not count."""
    found: set[int] = set()
    for root in [below] if below else roots(node):
        for group in _groups(root):
            found.update(int(pid) for pid in _read(group / "cgroup.procs").split())
    return sorted(pid for pid in found if _alive(pid))


def kill(node: Layout, which: Callable[[int], bool] = bool, *, below: Path | None = None) -> None:
    """SIGKILL until none is left; raises Failed when some survive 20 seconds."""
    deadline = time.monotonic() + 20
    while left := [pid for pid in processes(node, below=below) if which(pid)]:
        if time.monotonic() > deadline:
            raise Failed(
                f"could not end processes {left} of node {node.name!r}",
                advice="see what holds them: cat /proc/PID/stack",
            )
        for pid in left:
            _signal(pid)
        time.sleep(0.05)


def close_groups(node: Layout) -> None:
    """Remove the node's groups: busy until the dead are reaped, for which *init* may take seconds."""
    deadline = time.monotonic() + 30
    while left := [root for root in roots(node) if root.is_dir()]:
        if time.monotonic() > deadline:
            raise Failed(
                f"could not remove control groups {[str(path) for path in left]}: still busy",
                advice="run `azora local down` again",
            )
        for root in left:
            _remove(root)
        time.sleep(0.1)


def is_shim(pid: int) -> bool:
    """Return True when *pid* keeps a pod's containers, which outlive containerd."""
    return _read(Path(f"/proc/{pid}/cmdline")).split("\0")[0].endswith("containerd-shim-runc-v2")


def _remove(root: Path) -> None:
    for group in reversed(_groups(root)):
        with suppress(OSError):
            group.rmdir()


def _groups(root: Path) -> list[Path]:
    """*root* and all below it, parents first; some may vanish meanwhile."""
    return [Path(folder) for folder, _, _ in os.walk(root)]


def _alive(pid: int) -> bool:
    stat = _read(Path(f"/proc/{pid}/stat"))
    return bool(stat) and stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def _signal(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
