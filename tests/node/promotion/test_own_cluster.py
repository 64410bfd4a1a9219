"""A cluster of one's own: named by context and registry, and nothing of the embedded node is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from azora.config.settings import node_environment, settings

pytestmark = pytest.mark.usefixtures("released")

AZORA = str(Path(sys.executable).parent / "azora")


def test_the_same_commands_work_by_context_and_registry_alone(node: str, tmp_path: Path) -> None:
    """The node `test` plays the foreign cluster; HOME is empty, so that its own settings cannot be found."""
    known = node_environment(node)
    env = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "KUBECONFIG": known["AZORA_KUBECONFIG"],
        "AZORA_KUBE_CONTEXT": known["AZORA_KUBE_CONTEXT"],
        "AZORA_REGISTRY": known["AZORA_REGISTRY"],
        "AZORA_REGISTRY_PLAIN_HTTP": "true",
        "AZORA_REPOSITORY": known["AZORA_REPOSITORY"],
        "AZORA_INGRESS_ADDRESS": known["AZORA_INGRESS_ADDRESS"],
        "AZORA_INGRESS_PORT": known["AZORA_INGRESS_PORT"],
    }
    status = json.loads(azora(env, "status", "production", "--json"))
    assert status["environments"]["production"]["live"] in {"blue", "green"}
    smoke = json.loads(azora(env, "smoke", "production", "--json"))
    assert smoke["ok"]
    assert list(tmp_path.glob(".local/state/azora/*/kubeconfig")) == []


def test_without_a_cluster_the_error_says_what_to_set(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "AZORA_NODE": "nobody"}
    done = subprocess.run([AZORA, "status"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    said = done.stdout + done.stderr
    assert "azora local up" in said
    assert "AZORA_KUBE_CONTEXT" in said
    assert "Traceback" not in said


def azora(env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run([AZORA, *arguments], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_settings_of_this_process_are_the_node_s(node: str) -> None:
    assert settings().node == node
    assert settings().kube_context == f"azora-{node}"
