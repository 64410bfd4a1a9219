"""Small suites of cases, and the outcome of each case."""

from __future__ import annotations

import textwrap
from pathlib import Path

from azora.core.checks.suite_result import SuiteResult

CONFTEST = """
import pytest

def pytest_addoption(parser):
    for name in ("url", "connect", "expect-release", "expect-color"):
        parser.addoption(f"--azora-{name}", default="")

@pytest.fixture(scope="session")
def browser_type_launch_args():
    return {"executable_path": "/usr/bin/chromium-headless-shell", "args": ["--no-sandbox"]}
"""


def suite(folder: Path, cases: str, *, conftest: str = CONFTEST) -> Path:
    folder.mkdir(parents=True)
    (folder / "conftest.py").write_text(conftest)
    (folder / "test_shop.py").write_text(textwrap.dedent(cases))
    return folder


def outcomes(result: SuiteResult) -> dict[str, str]:
    return {case.name.split("::")[1]: case.outcome for case in result.cases}
