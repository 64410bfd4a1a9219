"""Gate of the node: environment files in its state, with approvals by its approver."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from azora.config.json_object import Json
from azora.config.settings import ROOT
from azora.config.yaml_file import read_mapping
from azora.local.configuration import write
from azora.local.layout import Layout
from azora.local.pki import APPROVER

TRACKED = ROOT / "deployments/environments"


def environments_of(node: Layout) -> Path:
    """Folder of the node's environment files: its own while its gate is on, else those of the checkout."""
    return node.environments if has_a_gate(node) else TRACKED


def has_a_gate(node: Layout) -> bool:
    return node.environments.is_dir()


def choose_gate(node: Layout, wanted: bool | None) -> None:
    """Write the node's own environment files, or remove them; None leaves the choice of the last start.

    They are the checkout's, and every approval is by people of the cluster. No tracked file changes.
    """
    if wanted is False:
        shutil.rmtree(node.environments, ignore_errors=True)
    elif wanted or has_a_gate(node):
        files = {file.name: _gated(read_mapping(file, shown=str(file))) for file in TRACKED.glob("*.yaml")}
        node.environments.mkdir(mode=0o700, parents=True, exist_ok=True)
        for gone in {file.name for file in node.environments.glob("*.yaml")} - files.keys():
            (node.environments / gone).unlink()
        for name, content in files.items():
            write(node.environments / name, yaml.safe_dump(content, sort_keys=False))


def _gated(content: Json) -> Json:
    if not content.get("approval"):
        return content
    people = {"users": [APPROVER]}
    by_cluster = {"by": "cluster", "ask": "before_preview", "approvers": people, "override": people}
    return content | {"approval": content["approval"] | by_cluster}
