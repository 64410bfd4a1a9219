"""buildah with Azora's own storage, shared by checkouts and nodes: its layers are the build cache."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from azora.core.retention import Item
from azora.errors import AzoraError
from azora.host.become import CONTROL_GROUPS
from azora.host.child_environment import BUILDS, child_environment
from azora.host.locks import alongside, only_one
from azora.host.process import Completed, run

TIDY_TIMEOUT_SECONDS = 120.0

# Without the home mount nothing stays mounted once a build ends.
_STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{running}"
[storage.options.overlay]
skip_mount_home = "true"
"""


def buildah(arguments: list[str], *, what: str, timeout_seconds: float, log: Path | None = None) -> Completed:
    """Run `buildah *arguments*` like `commands.run`; CONTAINERS_STORAGE_CONF of the environment is kept."""
    env = {"CONTAINERS_STORAGE_CONF": str(_storage()), **child_environment(*BUILDS)}
    return run(
        [*_with_control_groups(), "buildah", *arguments],
        env=env,
        timeout_seconds=timeout_seconds,
        what=what,
        log=log,
        yields=True,
    )


def _with_control_groups() -> list[str]:
    """Start of a command of a user of its own, where runc does not find the control groups at their place."""
    mounted = f"mount --rbind {CONTROL_GROUPS} /sys/fs/cgroup"
    return ["unshare", "--mount", "sh", "-euc", f'{mounted}; exec "$@"', "sh"] if Path(CONTROL_GROUPS).exists() else []


def version_of_buildah() -> str:
    """Such as `1.28.2`; "" where it is not there, or says something else."""
    with suppress(AzoraError):
        said = buildah(["--version"], what="ask buildah for its version", timeout_seconds=TIDY_TIMEOUT_SECONDS).output
        found = re.search(r"\d+\.\d+(\.\d+)?", said)
        return found[0] if found else ""
    return ""


def forget_old(name: str, *, keep: int) -> None:
    """Remove all but the *keep* newest local images *name* (host/path), with layers that only they have.

    They are in the registry; here they are build cache. Best effort: while anything is built they stay, since a build
    that looks through the cache breaks on a layer that goes away meanwhile.
    """
    listing = ["images", "--format", "{{.Name}}:{{.Tag}}", "--filter", f"reference={name}"]
    with suppress(AzoraError), only_one(_layers(), what=f"drop old images {name!r}", timeout_seconds=0):
        said = buildah(listing, what=f"list images {name!r}", timeout_seconds=TIDY_TIMEOUT_SECONDS)
        old = [line for line in said.output.split() if line.startswith(f"{name}:")][keep:]
        if said.returncode == 0 and old:
            buildah(["rmi", *old], what=f"drop old images {name!r}", timeout_seconds=TIDY_TIMEOUT_SECONDS)


@contextmanager
def nothing_is_built(what: str) -> Iterator[None]:
    """Around *what* no build may meet: new ones wait. Raises NotReadyYet at once where one is under way."""
    with only_one(_layers(), what=what, timeout_seconds=0):
        yield


def kept_layers() -> list[Item]:
    """Images and layers of the cache by creation time; sizes as buildah prints them, with shared layers."""
    if not _is_ours():
        return []
    said = buildah(["images", "--all", "--json"], what="list layers", timeout_seconds=TIDY_TIMEOUT_SECONDS)
    return [_item(image) for image in (json.loads(said.output or "[]") if said.returncode == 0 else [])]


def remove_layer(layer: Item) -> bool:
    """Remove *layer* and return True; layers that others build on stay. Only while `nothing_is_built`."""
    names = sorted(layer.known_as) or [layer.name]
    return buildah(["rmi", *names], what="drop old layers", timeout_seconds=TIDY_TIMEOUT_SECONDS).returncode == 0


def remove_unfinished() -> None:
    """Drop what killed builds were at. Only while `nothing_is_built`."""
    if _is_ours():
        buildah(["rm", "--all"], what="drop unfinished builds", timeout_seconds=TIDY_TIMEOUT_SECONDS)


def _is_ours() -> bool:
    """A storage that the environment names may hold what others made: it is built in, and not tidied."""
    return "CONTAINERS_STORAGE_CONF" not in os.environ


def _item(image: Mapping[str, Any]) -> Item:
    names: list[str] = image.get("names") or []
    group = re.split(r"@|:[^/]*$", names[0])[0] if names else ""
    number, _, unit = str(image.get("size", "0 B")).partition(" ")
    size = int(float(number) * 1000 ** ("B", "KB", "MB", "GB").index(unit.upper()))
    at = datetime.fromisoformat(image["createdatraw"])
    return Item(names[0] if names else image["id"], at, size, group, frozenset(names))


def layers_kept() -> AbstractContextManager[None]:
    """Around a build: nothing that it may find in the cache is dropped meanwhile."""
    return alongside(_layers(), what="build while old images are dropped")


def storage_folder() -> Path:
    """Folder of layers and locks; may be deleted while no build runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "azora/containers"


def _layers() -> Path:
    return storage_folder() / "layers.lock"


def _storage() -> Path:
    file = storage_folder() / "storage.conf"
    running = Path(os.environ.get("XDG_RUNTIME_DIR", "/run")) / "azora-containers"
    wanted = _STORAGE.format(folder=file.parent, running=running)
    with only_one(file.with_suffix(".lock"), what=f"write {file}"):
        if not file.is_file() or file.read_text() != wanted:
            file.write_text(wanted)
    return file
