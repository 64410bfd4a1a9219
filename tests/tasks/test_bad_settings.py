"""A worker whose settings file went bad.

Its flows still load, and each run ends at its first step by one clear error.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from azora.config.settings import ROOT
from azora.host.process import clean_environment

RUN = """
from prefect.flows import load_flow_from_entrypoint
from azora.errors import BadInput
from tasks import rollback, source
for name in ("release", "nightly", "rollback"):
    load_flow_from_entrypoint(f"flows/{name}.py:{name}", use_placeholder_flow=False)
for step in (lambda: source.find_commit.fn("main"), lambda: rollback.go_back.fn("staging", None)):
    try:
        step()
    except BadInput as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(
            "regsitry = 'x'", "could not read the settings file {file!r}: line 1: regsitry: unknown key", id="key"
        ),
        pytest.param(None, "could not read the settings file {file!r}: there is no such file", id="no file"),
        pytest.param("environments = '{folder}/none'", "could not find", id="no environments"),
    ],
)
def test_run_with_bad_settings(tmp_path: Path, content: str | None, says: str) -> None:
    """Flows load, and each run fails at its first step with the error of the settings."""
    file = tmp_path / "azora.toml"
    if content:
        file.write_text(content.format(folder=tmp_path))
    env = clean_environment(AZORA_SETTINGS=str(file), HOME=str(tmp_path), PREFECT_SERVER_EPHEMERAL_ENABLED="false")
    done = subprocess.run([sys.executable, "-c", RUN], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith(says.format(file=str(file)))]
    assert len(told) == 2, done.stdout
