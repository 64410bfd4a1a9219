"""Programs of the node, built from one Go module: shared code is compiled once, five servers linked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from azora.errors import Failed
from azora.host.process import Arguments, clean_environment, logged, output_of
from azora.local.cache import built, cache_folder, cache_key
from azora.local.progress import Say
from azora.local.toolchain import go

MODULE = Path(__file__).parent / "go"
KUBERNETES, HELM = "1.36.3", "4.3.1"
SERVERS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kube-volumes")

# Unstamped, the version reads v0.0.0 and Helm refuses charts.
STAMPS = {
    "k8s.io/component-base/version.gitVersion": f"v{KUBERNETES}",
    "k8s.io/component-base/version.gitMajor": KUBERNETES.split(".", maxsplit=1)[0],
    "k8s.io/component-base/version.gitMinor": KUBERNETES.split(".")[1],
    "k8s.io/client-go/pkg/version.gitVersion": f"v{KUBERNETES}",
    "helm.sh/helm/v4/internal/version.version": f"v{HELM}",
}
FLAGS = [
    "-gcflags=all=-dwarf=false",
    "-ldflags=-s -w " + " ".join(f"-X {name}={value}" for name, value in STAMPS.items()),
]
FREE_BYTES = 8 * 1024**3


def programs(say: Say = str) -> Path:
    """Folder of kubelet, containerd, helm and others; built when not in the cache (6 to 8 minutes)."""
    sources = [*MODULE.glob("go.*"), *MODULE.glob("*/*.go")]
    return built(f"node-{KUBERNETES}-{cache_key(sources, *FLAGS)}", lambda place: _build(place, say))


def _build(place: Path, say: Say) -> None:
    log = cache_folder() / "log/programs.log"
    _room()
    compiler = go((1, 26), log)
    env = clean_environment(
        GOBIN=str(place), CGO_ENABLED="0", GOFLAGS="-buildvcs=false", GOGC="800", GOTOOLCHAIN="local"
    )
    say("downloading modules")
    total = len(
        output_of([compiler, "-C", MODULE, "list", "-deps", "./...", "tool"], env=env, timeout_seconds=1200).split()
    )
    # GOGC: of the compiler itself, a quarter less work for 2 GB of memory at most.
    command: Arguments = [compiler, "install", "-v", "-p", str(2 * (os.cpu_count() or 1)), *FLAGS, "./...", "tool"]
    seen = 0

    def count(_line: str) -> None:
        nonlocal seen
        seen += 1
        say(f"compiled {seen} of at most {total} packages")

    logged(command, log, cwd=MODULE, env=env, on_line=count)
    (place / "server").rename(place / "etcd")
    for name in SERVERS:
        (place / name).symlink_to("kube")
    say(f"into {cache_folder()}")


def _room() -> None:
    cache_folder().mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache_folder()).free
    if free < FREE_BYTES:
        raise Failed(
            f"could not build the node's programs: {cache_folder()} has {free / 1024**3:.1f} GB free, the build needs {FREE_BYTES / 1024**3:.0f}",
            advice="free space (the Go compiler's cache is most of it), then retry",
        )
