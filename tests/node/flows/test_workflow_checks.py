"""The first job of the workflow `deploy`, which needs no node: this checkout's own checks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from azora.config.settings import ROOT
from tests.support.workflow import Known, run_job

pytestmark = pytest.mark.full


def test_checks(tmp_path: Path) -> None:
    """They pass, and name the commit."""
    known: Known = {}
    code, _ = run_job("checks", known, tmp_path)
    assert code == 0
    head = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert known["needs.checks.outputs.commit"] == head.stdout.strip()
