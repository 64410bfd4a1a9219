"""Environment files: strict, and wrong ones told in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from azora.config.environment import environments, environments_of_flows, load_environment
from azora.config.settings import ROOT
from azora.errors import BadInput

FOLDER = ROOT / "deployments/environments"
GOOD = "namespace: n\nhosts: {live: a.localhost, preview: b.localhost}\n"


def test_environment_files_of_the_project() -> None:
    """The project's own files load: production asks for approval, staging does not."""
    assert environments(FOLDER) == ["production", "staging"]
    production = load_environment("production", FOLDER)
    assert production.approval
    assert production.approval.ask == "before_preview"
    assert load_environment("staging", FOLDER).approval is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(GOOD + "nmespace: n\n", "nmespace", id="unknown key"),
        pytest.param("hosts: {live: a, preview: b}\n", "namespace: Field required", id="missing key"),
        pytest.param(GOOD + "approval: {ask: sometimes}\n", "approval.ask", id="value that is no choice"),
        pytest.param(GOOD + "settle_seconds: -1\n", "settle_seconds", id="number out of range"),
        pytest.param("a: [", "line 1: expected the node content", id="no YAML"),
    ],
)
def test_environment_file_that_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    """The error names the wrong key."""
    (tmp_path / "odd.yaml").write_text(text)
    with pytest.raises(BadInput, match=said):
        load_environment("odd", tmp_path)


def test_environment_that_is_unknown(tmp_path: Path) -> None:
    """The error names the known environments."""
    (tmp_path / "staging.yaml").write_text(GOOD)
    with pytest.raises(BadInput, match="known environments: staging"):
        load_environment("prod", tmp_path)


def test_environment_folder_that_is_empty(tmp_path: Path) -> None:
    """The error names the setting of the folder."""
    with pytest.raises(BadInput, match="could not find any environment") as refused:
        environments(tmp_path)
    assert "AZORA_ENVIRONMENTS" in refused.value.advice


def test_environment_that_flows_name(tmp_path: Path) -> None:
    """An environment that the flows name must have a file."""
    for name in ("staging", "elsewhere"):
        (tmp_path / f"{name}.yaml").write_text(GOOD)
    with pytest.raises(BadInput, match="could not find the environment production in"):
        environments_of_flows(tmp_path)
    (tmp_path / "production.yaml").write_text(GOOD)
    assert environments_of_flows(tmp_path) == ["elsewhere", "production", "staging"]
