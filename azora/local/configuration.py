"""Configuration files of the node's programs, from templates; unchanged content rewrites no file."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping
from pathlib import Path

import jinja2
import yaml

from azora.local.cache import cache_key
from azora.local.layout import Layout
from azora.local.namespaces import POD_RANGE
from azora.local.pki import CLIENTS


def _shell(command: tuple[str, ...]) -> str:
    return shlex.join(command).replace("%", "%%")


def _variables(env: Mapping[str, str]) -> str:
    return ",".join(f'{key}="{value}"'.replace("%", "%%") for key, value in sorted(env.items()))


_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    autoescape=False,  # noqa: S701 - configuration files, from our own values
)
_templates.filters |= {"shell": _shell, "variables": _variables, "digest": lambda file: cache_key([file])}


def rendered(template: str, **values: object) -> str:
    return _templates.get_template(f"{template}.j2").render(**values)


def write(file: Path, content: str, *, private: bool = False) -> None:
    """Replace *file* in one step, when its content differs."""
    if file.is_file() and file.read_text() == content:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.new")
    fresh.touch(mode=0o600 if private else 0o644)
    fresh.write_text(content)
    fresh.rename(file)


def write_configuration(node: Layout, pause: str) -> None:
    """All of the node's own; *pause* is the image that holds a pod's namespaces."""
    places = {
        "containerd.toml": node.etc / "containerd.toml",
        "kubelet.yaml": node.etc / "kubelet.yaml",
        "kube-proxy.yaml": node.etc / "kube-proxy.yaml",
        "registry.yaml": node.etc / "registry.yaml",
        "haproxy.cfg": node.etc / "haproxy.cfg",
        "cni.conflist": node.etc / "cni/10-azora.conflist",
    }
    for template, file in places.items():
        write(file, rendered(template, node=node, pause=pause, pod_range=POD_RANGE))
    write(node.etc / "resolv.conf", "")
    for who in CLIENTS:
        write(node.etc / f"{who}.kubeconfig", kubeconfig(node, who), private=True)
    write(node.kubeconfig, kubeconfig(node, "admin"), private=True)


def kubeconfig(node: Layout, who: str) -> str:
    """For *who*, with the certificates inside, so that it may be copied."""
    name = node.machine_name
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {"server": node.api_url, "certificate-authority-data": _encoded(node.pki / "ca.crt")},
            }
        ],
        "users": [
            {
                "name": f"{name}-{who}",
                "user": {
                    "client-certificate-data": _encoded(node.pki / f"{who}.crt"),
                    "client-key-data": _encoded(node.pki / f"{who}.key"),
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": f"{name}-{who}"}}],
        "current-context": name,
    }
    return yaml.safe_dump(whole, sort_keys=False)


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
