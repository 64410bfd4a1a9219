"""buildah with a storage of Azora's own, shared by checkouts and nodes: its layers are the build cache."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from azora.errors import AzoraError
from azora.gateways.commands import Completed, run
from azora.gateways.locks import alongside, only_one

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
    """Run `buildah *arguments*`; as `commands.run`. A CONTAINERS_STORAGE_CONF of the environment is kept to."""
    env = {"CONTAINERS_STORAGE_CONF": str(_storage()), **os.environ}
    return run(["buildah", *arguments], env=env, timeout_seconds=timeout_seconds, what=what, log=log)


def forget_old(name: str, *, keep: int) -> None:
    """Drop all but the *keep* newest local images called *name* (host/path), with the layers that only they have.

    They are in the registry; here they are build cache. Best effort: while anything is built they stay, since a build
    that looks through the cache breaks on a layer that goes away meanwhile.
    """
    listing = ["images", "--format", "{{.Name}}:{{.Tag}}", "--filter", f"reference={name}"]
    with suppress(AzoraError), only_one(_layers(), what=f"drop old images {name!r}", timeout_seconds=0):
        said = buildah(listing, what=f"list images {name!r}", timeout_seconds=TIDY_TIMEOUT_SECONDS)
        old = [line for line in said.output.split() if line.startswith(f"{name}:")][keep:]
        if said.returncode == 0 and old:
            buildah(["rmi", *old], what=f"drop old images {name!r}", timeout_seconds=TIDY_TIMEOUT_SECONDS)


def layers_kept() -> AbstractContextManager[None]:
    """Around a build: nothing that it may find in the cache is dropped meanwhile."""
    return alongside(_layers(), what="build while old images are dropped")


def storage_folder() -> Path:
    """Where layers and locks are; may be deleted while no build runs."""
    return Path.home() / ".cache/azora/containers"


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
