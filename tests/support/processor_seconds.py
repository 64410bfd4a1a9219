"""Processor seconds of the whole machine, by folder of tests, on the node by file.

They are printed at the end of a run.

Between two events of the run (a test begins or ends) the machine's seconds are divided by the tests that were under way.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest

STAT = Path("/proc/stat")
NO_TEST = "(no test: start and end)"


def used() -> float:
    """Seconds that all processors have worked since the machine began.

    From proc_stat(5), without idle, iowait and stolen.
    """
    user, nice, system, _, _, irq, softirq, *_ = map(int, STAT.read_text().splitlines()[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


class ProcessorSeconds:
    """A plugin of pytest for the process that prints; with xdist it sees the tests of every process."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._before = used()
        self._under_way: dict[str, str] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._tests: defaultdict[str, int] = defaultdict(int)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._divide()
        file = Path(nodeid.partition("::")[0])
        folder = str(file if "node" in file.parts else file.parent)
        self._under_way[nodeid] = folder
        self._tests[folder] += 1

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._divide()
        self._under_way.pop(nodeid, None)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        self._divide()
        terminalreporter.section("processor seconds of the machine")
        for folder in sorted(self._seconds):
            terminalreporter.write_line(f"{self._seconds[folder]:7.0f}  {folder} ({self._tests[folder]} tests)")
        terminalreporter.write_line(f"{sum(self._seconds.values()):7.0f}  in all")

    def _divide(self) -> None:
        now = used()
        folders = list(self._under_way.values()) or [NO_TEST]
        for folder in folders:
            self._seconds[folder] += (now - self._before) / len(folders)
        self._before = now
