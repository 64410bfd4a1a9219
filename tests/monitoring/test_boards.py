"""Grafana's boards are what their source makes; boards and alerts query metrics that are exported."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from azora.config.settings import ROOT
from azora.core.metrics import MEASURES
from deployments.monitoring.boards.__main__ import BOARDS, written
from tests.support.boards import FILES, FOLDER, metrics_of, queries

RULES = sorted((FOLDER / "rules").glob("*.yaml"))


def told() -> set[str]:
    """Metrics of the services and the exporter, from the documentation.

    Another test of each keeps the documentation equal to them.
    """
    page = (ROOT / "docs/monitoring.md").read_text()
    rows = re.findall(r"^\| `([a-z_0-9]+)` \| (counter|gauge|histogram) \|", page, re.MULTILINE)
    suffixes = ("_bucket", "_count", "_sum")
    return {name for name, _ in rows} | {
        name + suffix for name, kind in rows if kind == "histogram" for suffix in suffixes
    }


@pytest.mark.parametrize(
    ("query", "metrics"),
    [
        pytest.param('sum by (le, color) (rate(a_bucket{service="web", x=~"5.."}[5m]))', {"a_bucket"}, id="rate"),
        pytest.param(
            "a * on (environment) group_left (color) b == 0 and time() - c < 3600", {"a", "b", "c"}, id="join"
        ),
        pytest.param("a or 0 * p99_seconds / 1e3", {"a", "p99_seconds"}, id="numbers, and one in a name"),
    ],
)
def test_metrics_of_a_query(query: str, metrics: set[str]) -> None:
    """The metrics of a query are found."""
    assert metrics_of(query) == metrics


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_board_and_its_source(file: Path) -> None:
    """A board is what its source writes: python -m deployments.monitoring.boards."""
    assert file.read_text() == written(BOARDS[file.stem]())


def test_boards_and_their_files() -> None:
    """Each board has a file, and each file a board."""
    assert {file.stem for file in FILES} == set(BOARDS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_metrics_of_a_board(file: Path) -> None:
    """A board queries metrics that exist."""
    board = json.loads(file.read_text())
    asked = {metric for query in queries(board) for metric in metrics_of(query)}
    assert len(asked) > 5
    assert asked - told() == set()
    (environment,) = [one for one in board["templating"]["list"] if one["name"] == "environment"]
    assert "azora_environment_up" in json.dumps(environment["query"])


def test_metrics_of_the_alerts() -> None:
    """The alerts query metrics that exist."""
    rules = [rule for file in RULES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]
    assert {metric for rule in rules for metric in metrics_of(rule["expr"])} - told() == set()


def test_metrics_in_use() -> None:
    """Each metric of the exporter is on a board or in an alert."""
    texts = [file.read_text() for file in (*FILES, *RULES)]
    unseen = {one.exposed for one in MEASURES if not any(one.name in text for text in texts)}
    assert unseen == set()


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool: `make up` installs it")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_queries_of_a_board(file: Path, tmp_path: Path) -> None:
    """promtool accepts each query of a board."""
    asked = [query.replace("$__rate_interval", "1m") for query in queries(json.loads(file.read_text()))]
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(asked)]
    rule_file = tmp_path / "rules.yaml"
    rule_file.write_text(yaml.safe_dump({"groups": [{"name": file.stem, "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", rule_file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
