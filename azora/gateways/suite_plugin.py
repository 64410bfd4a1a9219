"""A pytest plugin for suites that run in parallel: each worker keeps its pictures in a folder of its own.

pytest-playwright empties the folder of `--output` at the start of every worker, and with it what a quicker worker left.
"""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Called by pytest."""
    worker = getattr(config, "workerinput", None)
    if worker and config.getoption("--output", None):
        config.option.output = str(Path(config.option.output) / worker["workerid"])
