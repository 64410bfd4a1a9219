"""The alert rules: promtool finds nothing wrong, and each of them is seen to fire and to keep quiet."""

from __future__ import annotations

import re
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


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_nothing_wrong_with_a_rule() -> None:
    promtool("check", "rules", *RULES)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should(file: Path) -> None:
    promtool("test", "rules", file)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_is_seen_to_fire_and_to_keep_quiet(alert: dict[str, Any]) -> None:
    fires = {bool(case["exp_alerts"]) for case in CASES if case["alertname"] == alert["alert"]}
    assert fires == {True, False}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_how_bad_it_is_what_is_wrong_and_where_to_read_on(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert alert["annotations"]["summary"]
    assert re.fullmatch(rf"{re.escape(RUNBOOK)}#[a-z0-9-]+", alert["annotations"]["runbook"])


def test_the_documentation_lists_every_alert_with_its_severity() -> None:
    page = (ROOT / "docs/monitoring.md").read_text()
    rows = re.findall(r"^\| (`Azora\w+`(?:, `Azora\w+`)*) \| (critical|warning|info) \|", page, re.MULTILINE)
    listed = {(name, severity) for names, severity in rows for name in re.findall(r"\w+", names)}
    assert listed == {(alert["alert"], alert["labels"]["severity"]) for alert in ALERTS}
