"""pytest plugin for suites: JUnit with node ids; parallel workers keep each other's pictures.

pytest-playwright empties the folder of `--output` at the start of every worker, and with it what a quicker worker left.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from azora.core.checks.junit import NODE_ID

CRASHED = "???"  # xdist's name for the phase in which a worker died: https://github.com/pytest-dev/pytest-xdist


def pytest_configure(config: pytest.Config) -> None:
    """Called by pytest."""
    worker = getattr(config, "workerinput", None)
    if worker and config.getoption("--output", None):
        config.option.output = str(Path(config.option.output) / worker["workerid"])
    if not worker:
        config.pluginmanager.register(_EndOfCrashedCases(config))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Called by pytest."""
    item.user_properties.append((NODE_ID, item.nodeid))


class _EndOfCrashedCases:
    """The case at which a worker died has no end, and pytest writes the properties of a case at its end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None]:
        """Called by pytest."""
        yield
        if str(report.when) == CRASHED:
            end = pytest.TestReport(
                nodeid=report.nodeid,
                location=report.location,
                keywords={},
                outcome="passed",
                longrepr=None,
                when="teardown",
                user_properties=[(NODE_ID, report.nodeid)],
            )
            vars(end)["node"] = vars(report).get("node")  # the worker, as xdist adds it
            self._config.hook.pytest_runtest_logreport(report=end)
