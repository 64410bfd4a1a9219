"""Variables that point programs at a node: `<state>/env`, for the CLI, the tests and a shell."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from azora.local.configuration import write
from azora.local.gate import environments_of, has_a_gate
from azora.local.images import base_image
from azora.local.layout import Layout
from azora.local.toolchain import uv

APPLICATION = "azora"  # the embedded node's own, as deployments/application.yaml says


def variables(node: Layout, programs: Path) -> dict[str, str]:
    own = {"AZORA_ENVIRONMENTS": str(environments_of(node))} if has_a_gate(node) else {}
    return {
        "AZORA_NODE": node.name,
        "AZORA_STATE": str(node.state),
        "AZORA_APPLICATION": APPLICATION,
        "AZORA_KUBECONFIG": str(node.kubeconfig),
        "AZORA_KUBE_CONTEXT": node.machine_name,
        "AZORA_IDENTITIES": str(node.identities),
        "AZORA_REGISTRY": node.registry,
        "AZORA_REGISTRY_LOGIN": str(node.registry_login),
        "AZORA_REGISTRY_PLAIN_HTTP": "true",
        "AZORA_INGRESS_ADDRESS": f"127.0.0.1:{node.ingress_port}",
        "AZORA_INGRESS_PORT": str(node.ingress_port),
        "AZORA_REPOSITORY": str(node.application),
        "AZORA_BASE_IMAGE": base_image(node),
        "AZORA_REPORTS_URL": node.reports_url,
        "AZORA_REPORTS_VIEWER_URL": node.viewer_url,
        "AZORA_REPORTS_AUTH_STRING": auth_string(node),
        "AZORA_REPORTS_KEY": reports_key(node),
        "AZORA_HELM": str(programs / "helm"),
        "AZORA_REGISTRY_SWEEP": str(node.sweep_program),
        "AZORA_NOTIFY_FILE": str(node.addresses / "notify"),
        "AZORA_GRAFANA_TOKEN_FILE": str(node.addresses / "grafana-token"),
        "PREFECT_API_URL": f"{node.prefect_url}/api",
        "PREFECT_API_AUTH_STRING": auth_string(node),
        **own,
    }


def auth_string(node: Layout) -> str:
    """Return `user:password` of the node's Prefect and reports; made at first use, kept with the state."""
    if not node.auth.is_file():
        write(node.auth, f"azora:{secrets.token_urlsafe(24)}", private=True)
    return node.auth.read_text()


def reports_key(node: Layout) -> str:
    """Return the key of the node's report links; made at first use, kept with the state."""
    if not node.reports_key.is_file():
        write(node.reports_key, secrets.token_hex(32), private=True)
    return node.reports_key.read_text()


def write_environment(node: Layout, programs: Path) -> None:
    write(node.sweep_program, f"#!/bin/sh\nexec {sys.executable} -m azora local sweep {node.name}\n")
    node.sweep_program.chmod(0o700)
    lines = (f"{key}={value}\n" for key, value in variables(node, programs).items())
    write(node.environment, "".join(lines), private=True)


def search_path(programs: Path) -> str:
    """For what we start: this interpreter's programs, the node's, uv, then the machine's.

    Nothing of the caller's own: another shell's `up` must not look like a change, for which the worker is started anew.
    """
    ours = (Path(sys.executable).parent, programs, Path(uv()).parent, Path(sys.base_prefix) / "bin")
    machines = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
    return ":".join(dict.fromkeys([*map(str, ours), *machines]))
