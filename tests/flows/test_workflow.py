"""The workflow `deploy` by its own `run:` steps, in order, on the node: what the file says is what works."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from azora.gateways.orchestrator import run_called
from azora.local.commands import clean_environment
from azora.settings import ROOT
from tests import road

pytestmark = pytest.mark.usefixtures("released")

JOBS: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())["jobs"]
EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")

Known = dict[str, str]


@pytest.fixture
def known() -> Known:
    """What GitHub would put in place of an expression; one that is not here fails the test."""
    return {
        "vars.PREFECT_API_URL": os.environ["PREFECT_API_URL"],
        "secrets.PREFECT_API_AUTH_STRING": os.environ["PREFECT_API_AUTH_STRING"],
        "inputs.fresh && '--fresh' || '--no-fresh'": "--no-fresh",
    }


def run_job(name: str, known: Known, folder: Path) -> tuple[int, str]:
    """Run the steps of job *name* as GitHub's runner does; its exit code and its summary. Its outputs become *known*."""
    code, summary = 0, folder / f"{name}-summary.md"
    for number, step in enumerate(JOBS[name]["steps"]):
        if "run" not in step or code:
            continue
        outputs = folder / f"{name}-{number}-outputs"
        outputs.touch()
        given = {key: filled(value, known) for key, value in (JOBS[name].get("env", {}) | step.get("env", {})).items()}
        env = clean_environment(**given, GITHUB_STEP_SUMMARY=str(summary), GITHUB_OUTPUT=str(outputs))
        code = subprocess.run(["bash", "-e", "-c", step["run"]], cwd=ROOT, env=env, check=False, timeout=900).returncode
        for line in outputs.read_text().splitlines():
            key, _, value = line.partition("=")
            known[f"steps.{step['id']}.outputs.{key}"] = value
    if not code:
        for key, value in JOBS[name].get("outputs", {}).items():
            known[f"needs.{name}.outputs.{key}"] = filled(value, known)
    return code, summary.read_text() if summary.exists() else ""


def filled(value: str, known: Known) -> str:
    return EXPRESSION.sub(lambda found: known[found[1]], str(value))


def test_the_checks_pass_and_name_the_commit(known: Known, tmp_path: Path) -> None:
    code, _ = run_job("checks", known, tmp_path)
    assert code == 0
    head = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert known["needs.checks.outputs.commit"] == head.stdout.strip()


def test_a_no_ends_the_workflow_red_and_says_so(known: Known, tmp_path: Path) -> None:
    known["needs.checks.outputs.commit"] = road.a_proved_commit()
    assert run_job("release", known, tmp_path)[0] == 0
    road.reject(run_called(known["needs.release.outputs.run"]))
    code, page = run_job("promote", known, tmp_path)
    assert code == 1
    assert "**Rejected**" in page


def test_a_yes_brings_the_commit_to_production_and_the_pages_carry_plan_link_and_counts(
    known: Known, tmp_path: Path
) -> None:
    known["needs.checks.outputs.commit"] = road.a_proved_commit()
    before = road.world("production")

    code, page = run_job("release", known, tmp_path)
    assert code == 0
    waiting = run_called(known["needs.release.outputs.run"])
    assert waiting.waits
    assert f"| would be served by | {before.preview}:" in page
    assert waiting.url in page
    assert road.world("production").active is before.active

    answer = threading.Timer(5, road.approve, [waiting])
    answer.start()
    code, page = run_job("promote", known, tmp_path)
    answer.join()
    assert code == 0
    assert road.world("production").active is before.preview
    assert "| failed | **0** |" in page
    assert "**Completed**" in page
