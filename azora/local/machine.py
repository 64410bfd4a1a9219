"""Requirements of a machine before a node can start on it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from azora.errors import Refused

PROGRAMS = (
    "buildah",
    "conntrack",
    "docker-registry",
    "git",
    "haproxy",
    "ip",
    "iptables",
    "mmdebstrap",
    "nft",
    "nsenter",
    "runc",
    "setpriv",
)


def check_machine() -> None:
    """Raises Refused that lists what is missing, all of it at once."""
    if os.geteuid() != 0:
        raise Refused(
            "could not start a node: it makes network namespaces and mounts, which needs root", advice="run it as root"
        )
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [name for name in PROGRAMS if not shutil.which(name, path=path)]
    if not Path("/usr/lib/cni/bridge").exists():
        missing.append("containernetworking-plugins")
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        missing.append("postgresql")
    if missing:
        raise Refused(
            f"could not start a node: this machine lacks {', '.join(missing)}",
            advice="run `make up`, which installs them",
        )
