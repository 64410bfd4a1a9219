"""A cluster of one's own: named by context and registry, and nothing of the embedded node is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from azora.config.settings import node_environment, settings
from tests.support.guestbook import Guestbook, guestbook
from tests.support.step_by_step import walk

AZORA = str(Path(sys.executable).parent / "azora")


@pytest.fixture(scope="module")
def book(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guestbook]:  # noqa: ARG001 - the node must be up
    """Production serves users."""
    with guestbook(tmp_path_factory.mktemp("own"), "own", {"production": {}}) as found:
        walk(found.context(found.release(found.commit())))
        yield found


def test_context_and_registry(book: Guestbook, node: str, tmp_path: Path) -> None:
    """The commands need no more; the node plays the foreign cluster, and HOME is empty, so that its settings are not found."""
    known = node_environment(node)
    env = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "KUBECONFIG": known["AZORA_KUBECONFIG"],
        "AZORA_KUBE_CONTEXT": known["AZORA_KUBE_CONTEXT"],
        "AZORA_REGISTRY": known["AZORA_REGISTRY"],
        "AZORA_REGISTRY_PLAIN_HTTP": "true",
        "AZORA_REPOSITORY": str(book.repository),
        "AZORA_APPLICATION": settings().application,
        "AZORA_ENVIRONMENTS": str(settings().environments),
        "AZORA_INGRESS_ADDRESS": known["AZORA_INGRESS_ADDRESS"],
        "AZORA_INGRESS_PORT": known["AZORA_INGRESS_PORT"],
    }
    status = json.loads(azora(env, "status", "production", "--json"))
    assert status["environments"]["production"]["live"] in {"blue", "green"}
    smoke = json.loads(azora(env, "smoke", "production", "--json"))
    assert smoke["ok"]
    assert list(tmp_path.glob(".local/state/azora/*/kubeconfig")) == []


def test_no_cluster(tmp_path: Path) -> None:
    """The error says what to set."""
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
