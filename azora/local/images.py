"""Images that a node needs first, made without a hub and pushed to the node's registry."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from azora.config.settings import ROOT
from azora.errors import Failed
from azora.host.locks import only_one
from azora.host.process import Arguments, clean_environment, logged
from azora.local import health
from azora.local.cache import BUILD_SECONDS, cache_folder, cache_key
from azora.local.layout import Layout
from azora.local.progress import Say
from azora.local.registry_login import registry_auth

BASE = ROOT / "deployments/images/base/build"
WORKING = "azora-node"
USER = "65532:65532"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def pause_image(node: Layout, programs: Path) -> str:
    return f"{node.registry}/node/pause:{programs.name.rpartition('-')[2]}"


def coredns_image(node: Layout, programs: Path) -> str:
    return f"{node.registry}/node/coredns:{programs.name.rpartition('-')[2]}"


def skipper_image(node: Layout, programs: Path) -> str:
    return f"{node.registry}/node/skipper:{programs.name.rpartition('-')[2]}"


def base_image(node: Layout) -> str:
    """Debian with Python, for the services' Dockerfiles; named by what it is made of."""
    return f"{node.registry}/base/python:{cache_key([BASE, Path('/etc/os-release')])}"


def push_node_images(node: Layout, programs: Path, say: Say) -> None:
    """pause, coredns and skipper: one program each, nothing else."""
    for reference in (pause_image(node, programs), coredns_image(node, programs), skipper_image(node, programs)):
        program = programs / reference.rpartition("/")[2].partition(":")[0]
        config = [f'--entrypoint=["/{program.name}"]', f"--user={USER}"]
        push(node, reference, partial(_one_program, program), config, say)


def push_base_image(node: Layout, say: Say) -> None:
    """Half a minute when this machine has none."""

    def root_of(folder: Path) -> Path:
        say("making a Debian root with mmdebstrap")
        logged([BASE, folder / "root.tar"], cache_folder() / "log/base-image.log", env=clean_environment())
        return folder / "root.tar"

    push(node, base_image(node), root_of, ["--cmd=python3"], say)


def push(node: Layout, reference: str, root_of: Callable[[Path], Path], config: list[str], say: Say) -> None:
    """Push an image of one layer (a folder or an archive) as *reference*, unless the registry has it."""
    rest = reference.partition("/")[2]
    name, _, tag = rest.partition(":")
    manifest = f"http://{node.registry}/v2/{name}/manifests/{tag}"
    if health.answers(manifest, accept=MANIFEST, auth_string=registry_auth(node)):
        return
    kept = f"localhost/{rest}"
    with only_one(cache_folder() / ".buildah.lock", what="build the node's images", timeout_seconds=BUILD_SECONDS):
        if not _is_kept(kept):
            _build(kept, root_of, config)
        say(f"pushing {name}")
        command = ("push", "--quiet", "--tls-verify=false", "--authfile", node.registry_login, "--disable-compression")
        _buildah(*command, kept, f"docker://{reference}")


def _build(kept: str, root_of: Callable[[Path], Path], config: list[str]) -> None:
    _buildah("rm", "--all")  # of a build that was killed
    with tempfile.TemporaryDirectory() as folder:
        layer = root_of(Path(folder))
        _buildah("from", "--name", WORKING, "scratch")
        _buildah("add", "--quiet", WORKING, layer, "/")
        _buildah("config", *config, WORKING)
        _buildah("commit", "--quiet", "--rm", "--disable-compression", WORKING, kept)


def _one_program(program: Path, folder: Path) -> Path:
    root = folder / "root"
    root.mkdir()
    shutil.copy(program, root)
    return root


def _is_kept(image: str) -> bool:
    try:
        _buildah("inspect", "--type=image", image)
    except Failed:
        return False
    return True


def _buildah(*arguments: str | Path) -> None:
    """With a storage of its own, in a mount namespace of its own: buildah leaves a mount behind otherwise."""
    store = cache_folder() / "buildah"
    storage: Arguments = ["--root", store / "storage", "--runroot", store / "run", "--storage-driver", "overlay"]
    logged(
        ["unshare", "--mount", "buildah", *storage, *arguments],
        cache_folder() / "log/buildah.log",
        env=clean_environment(),
    )
