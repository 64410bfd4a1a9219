"""A job of the workflow `deploy` by its own `run:` steps, in order, as GitHub's runner would."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from azora.config.settings import ROOT
from azora.host.process import clean_environment

JOBS: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())["jobs"]
EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")

Known = dict[str, str]


def run_job(name: str, known: Known, folder: Path) -> tuple[int, str]:
    """Run the steps of job *name* as GitHub's runner does; its exit code and its summary.

    Its outputs become *known*.
    """
    code, summary = 0, folder / f"{name}-summary.md"
    for number, step in enumerate(JOBS[name]["steps"]):
        if "run" not in step or code:
            continue
        outputs = folder / f"{name}-{number}-outputs"
        outputs.touch()
        given = {key: filled(value, known) for key, value in (JOBS[name].get("env", {}) | step.get("env", {})).items()}
        machine = {name: value for name, value in os.environ.items() if name.startswith("AZORA_")}
        env = clean_environment(**machine | given, GITHUB_STEP_SUMMARY=str(summary), GITHUB_OUTPUT=str(outputs))
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
