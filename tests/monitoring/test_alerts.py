"""The alert rules: promtool finds nothing wrong, and each of them is seen to fire and to keep quiet."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from azora.config.settings import ROOT

RULES = sorted((ROOT / "deployments/monitoring/rules").glob("*.yaml"))
TESTS = sorted((ROOT / "deployments/monitoring/rules/tests").glob("*.yaml"))
RUNBOOK = "docs/deployment/DEPLOYMENT-RUNBOOK.md"
ALERTS: list[dict[str, Any]] = [
    rule for file in RULES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]
]
CASES = [
    case for file in TESTS for scene in yaml.safe_load(file.read_text())["tests"] for case in scene["alert_rule_test"]
]

needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool: `make up` installs it")


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_alert_rules() -> None:
    """promtool accepts the rules."""
    promtool("check", "rules", *RULES)


@needs_promtool
@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alert_cases(file: Path) -> None:
    """Each alert fires and stays quiet as its cases expect."""
    promtool("test", "rules", file)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_alert_with_both_cases(alert: dict[str, Any]) -> None:
    """Each alert has a case in which it fires and one in which it does not."""
    fires = {bool(case["exp_alerts"]) for case in CASES if case["alertname"] == alert["alert"]}
    assert fires == {True, False}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_alert_with_its_texts(alert: dict[str, Any]) -> None:
    """Each alert has a severity, a summary and a link to the runbook."""
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert alert["annotations"]["summary"]
    assert re.fullmatch(rf"{re.escape(RUNBOOK)}#[a-z0-9-]+", alert["annotations"]["runbook"])


def test_documented_alerts() -> None:
    """docs/monitoring.md lists each alert with its severity."""
    page = (ROOT / "docs/monitoring.md").read_text()
    rows = re.findall(r"^\| (`Azora\w+`(?:, `Azora\w+`)*) \| (critical|warning|info) \|", page, re.MULTILINE)
    listed = {(name, severity) for names, severity in rows for name in re.findall(r"\w+", names)}
    assert listed == {(alert["alert"], alert["labels"]["severity"]) for alert in ALERTS}
