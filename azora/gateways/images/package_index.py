"""Package index of this machine, for a build: files that it can read, in no argument and in no layer."""

from __future__ import annotations

import configparser
import json
import os
from collections.abc import Mapping
from pathlib import Path

AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"

_PIP = {"index-url": "PIP_INDEX_URL", "extra-index-url": "PIP_EXTRA_INDEX_URL", "trusted-host": "PIP_TRUSTED_HOST"}
_UV = {"index-url": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"), "extra-index-url": ("UV_INDEX", "UV_EXTRA_INDEX_URL")}


def volumes(folder: Path) -> list[str]:
    """Mounts (`host:container:ro`) of this machine's authorities, pip and uv settings, made in *folder*."""
    bundle = Path(os.environ.get("SSL_CERT_FILE") or AUTHORITIES)
    mounts = [f"{bundle}:{AUTHORITIES}:ro"] if bundle.is_file() else []
    for name, target, text in (
        ("pip.conf", "/etc/pip.conf", pip_settings(os.environ, _pip_files())),
        ("uv.toml", "/etc/uv/uv.toml", uv_settings(os.environ)),
    ):
        (folder / name).write_text(text)
        mounts.append(f"{folder / name}:{target}:ro")
    return mounts


def pip_settings(env: Mapping[str, str], files: list[Path]) -> str:
    """pip.conf: the index of *env*, else of *files*, and the authorities above."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(files)
    known = dict(parser["global"]) if parser.has_section("global") else {}
    found = {key: env.get(variable) or known.get(key) for key, variable in _PIP.items()}
    lines = [f"{key} = {' '.join(value.split())}" for key, value in found.items() if value]
    return "\n".join(["[global]", f"cert = {AUTHORITIES}", "disable-pip-version-check = true", *lines, ""])


def uv_settings(env: Mapping[str, str]) -> str:
    """uv.toml: the index of *env* and the system's authorities."""
    lines = ["native-tls = true"]
    for key, variables in _UV.items():
        if value := next((env[name] for name in variables if env.get(name)), None):
            lines.append(f"{key} = {json.dumps(value.split() if key.startswith('extra') else value)}")
    return "\n".join([*lines, ""])


def _pip_files() -> list[Path]:
    """In pip's own order: https://pip.pypa.io/en/stable/topics/configuration/"""
    usual = [Path("/etc/pip.conf"), Path.home() / ".pip/pip.conf", Path.home() / ".config/pip/pip.conf"]
    named = os.environ.get("PIP_CONFIG_FILE")
    return [*usual, *([Path(named)] if named else [])]
