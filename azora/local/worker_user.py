"""User of the node's worker: one of its own where the machine can give it one, else root.

Here is the list of what it sees. docs/security.md says what that leaves open.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from azora.config.settings import ROOT, node_environment
from azora.errors import BadInput
from azora.host.folders import erase
from azora.host.own_user import OwnUser
from azora.host.process import run
from azora.host.sandbox import interpreter
from azora.local.cache import cache_folder
from azora.local.configuration import write
from azora.local.env_file import search_path, variables
from azora.local.gate import has_a_gate
from azora.local.layout import Layout
from azora.local.toolchain import uv

VARIABLE = "AZORA_WORKER_USER"
CHOICES = ("own", "root")
SECONDS = 20.0

# What an older version kept in the node's folder itself, and where it is now.
_MOVED = {
    **{
        name: f"work/{name}"
        for name in ("runs", "mirror", "exports", "exports-for-tests", "caches", "cases", "records")
    },
    **{name: f"addresses/{name}" for name in ("notify", "grafana-token")},
    "lib/prefect/storage": "work/prefect/storage",
}

# Certificates and package indexes of the machine, for builds and tests.
_NAMED_BY = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"),
    *("PIP_CERT", "PIP_CONFIG_FILE", "UV_CONFIG_FILE"),
)

# Layers of an image on layers of another one, as a build mounts them: Linux before 5.19 cannot.
_PROBE = """
folder=$(mktemp -d -p "$0")
cd "$folder"
mkdir lower upper work both
mount -t overlay -o userxattr,lowerdir=lower,upperdir=upper,workdir=work overlay both
umount both
rm -rf "$folder"
"""


def make_folders(node: Layout) -> None:
    """Make the folders that the worker writes in or reads; take over those of an older version."""
    for folder in (node.work, node.addresses, node.requests, node.temporary, node.identities, cache_of_workers()):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old, new in _MOVED.items():
        if (node.state / old).exists() and not (node.state / new).exists():
            (node.state / new).parent.mkdir(parents=True, exist_ok=True)
            (node.state / old).rename(node.state / new)
    erase(node.state / "exports")  # of commands by hand
    if not node.runs.is_dir() and not node.runs.is_symlink():
        node.runs.mkdir()
    (node.addresses / "notify").touch(mode=0o600)  # a file that a setting names has to be there


def choose(node: Layout, programs: Path) -> str:
    """Choose the user of the worker from now on; return why it is root, or "" for one of its own.

    Raises BadInput for a value of AZORA_WORKER_USER that is neither.
    """
    wanted = os.environ.get(VARIABLE, "own")
    if wanted not in CHOICES:
        raise BadInput(f"could not use {VARIABLE}={wanted!r}", advice=f"give {' or '.join(CHOICES)}")
    reason = _refused(node, programs) if wanted == "own" else f"root, by {VARIABLE}"
    if reason:
        write(node.worker_is_root, reason)
    else:
        node.worker_is_root.unlink(missing_ok=True)
    return reason


def as_worker(command: Sequence[str], node: Layout, programs: Path) -> tuple[str, ...]:
    """Command line of root that runs *command* as the worker's user."""
    return tuple(command if node.worker_is_root.is_file() else user_of(node, programs).command(command))


def worker_variables(node: Layout, programs: Path) -> dict[str, str]:
    """Return the node's variables, with a state, a cache and temporary files of the worker's own."""
    return variables(node, programs) | {
        "AZORA_STATE": str(node.work),
        "PREFECT_HOME": str(node.work / "prefect"),
        "TMPDIR": str(node.temporary),
        "XDG_CACHE_HOME": str(cache_of_workers()),
        "PATH": search_path(programs),
    }


def go_on_as_worker(node: Layout) -> None:
    """Run this command as the worker of *node* and exit as it does; return where it is the worker's.

    For commands of root that read or write what runs wrote: it may name programs, and links lead anywhere.
    """
    known = node_environment(node.name)
    if os.geteuid() or not known or os.environ.get("AZORA_STATE") == str(node.work):
        return
    programs = Path(known["AZORA_HELM"]).parent
    command = as_worker([sys.executable, "-m", "azora", *sys.argv[1:]], node, programs)
    sys.exit(_exit_code(command, {**os.environ, **worker_variables(node, programs)}))


def cache_of_workers() -> Path:
    """Cache of the workers of all nodes.

    Layers that root built have marks that a user namespace cannot read: it would bring back files that they removed.
    """
    return cache_folder() / "workers"


def _exit_code(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run *command* in a session of its own: it cannot type into root's terminal."""
    with subprocess.Popen(command, env=env, start_new_session=True) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            return process.wait()


def user_of(node: Layout, programs: Path) -> OwnUser:
    """List what the worker has of the machine besides the system's programs."""
    code = (*interpreter(), ROOT, programs, *(path.parent for path in [Path(uv())] if path.is_absolute()))
    of_node = (
        *(node.application, node.identities, node.addresses, node.registry_login, node.environment),
        *([node.environments] if has_a_gate(node) else []),
    )
    index = (Path.home() / ".config/pip", Path.home() / ".pip")
    writable = (node.work, node.requests, node.temporary, cache_of_workers())
    return OwnUser((*code, *of_node, node.sweep_program, *index), writable, _NAMED_BY)


def _refused(node: Layout, programs: Path) -> str:
    """Why this machine cannot give the worker a user of its own; "" where it can."""
    command = user_of(node, programs).command(["sh", "-euc", _PROBE, str(cache_of_workers())])
    done = run(command, what="start a program as a user of its own", timeout_seconds=SECONDS)
    return f"root: {' '.join(done.tail(2).split()) or 'no reason given'}" if done.returncode else ""
