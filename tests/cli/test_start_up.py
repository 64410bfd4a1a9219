"""Quick start of commands that move users: neither Prefect, Helm nor the embedded node is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LOADED = """
import sys
from azora.cli import main
sys.argv = ["azora", sys.argv[1], "--help"]
try:
    main()
except SystemExit:
    print(*sorted(sys.modules), file=sys.stderr)
"""
SLOW = (
    "aiohttp",
    "apprise",
    "azora.gateways.helm",
    "azora.gateways.prefect",
    "azora.local",
    "matplotlib",
    "prefect",
    "pyhelm3",
)


@pytest.mark.parametrize("command", ["rollback", "switch"])
def test_modules_of_a_command(command: str, tmp_path: Path) -> None:
    """A rollback and a switch move users before Prefect, Helm or the node are imported."""
    env = os.environ | {"AZORA_STATE": str(tmp_path), "AZORA_KUBE_CONTEXT": "none"}
    done = subprocess.run([sys.executable, "-c", LOADED, command], env=env, capture_output=True, text=True, check=True)
    loaded = done.stderr.split()
    assert "azora.operations.rollback" in loaded
    assert not [name for name in loaded if name.startswith(SLOW)]


def test_help_of_all_commands(tmp_path: Path) -> None:
    """The list of commands imports none of them."""
    env = os.environ | {"AZORA_STATE": str(tmp_path), "AZORA_KUBE_CONTEXT": "none"}
    program = LOADED.replace("sys.argv[1], ", "")
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert not [name for name in done.stderr.split() if name.startswith(("kubernetes", *SLOW))]
