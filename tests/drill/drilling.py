"""Drill: break the node as a situation says, and recover by the commands of its section.

The commands run as a person would type them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from azora.config.settings import ROOT, settings
from azora.host.process import clean_environment
from azora.local.layout import layout
from azora.local.programs import programs
from tests.drill.runbook import Block, blocks, sections
from tests.drill.situations import Given, Situation
from tests.support.polling import until

PAGE_OF_A_RUN = re.compile(r"/flow-run/([0-9a-f-]{36})")
PLAN_THAT_WAITS = re.compile(r"--plan ([0-9a-f]{12})")
COMMAND_TIMEOUT_SECONDS = 600
SEEN_WITHIN_SECONDS = MENDED_WITHIN_SECONDS = 90


def drill(situation: Situation) -> float:
    """Seconds from the first command to all being well again.

    Raises:
        AssertionError: something is not as the runbook says.
    """
    with situation.broken() as given:
        until(lambda: situation.seen(given), seconds=SEEN_WITHIN_SECONDS, what=f"{situation.name} is there")
        began = time.monotonic()
        for block in blocks(sections()[situation.name]):
            _follow(block, given)
        until(lambda: situation.mended(given), seconds=MENDED_WITHIN_SECONDS, what=f"{situation.name} is over")
        return time.monotonic() - began


def _follow(block: Block, given: Given) -> None:
    """Run the commands of *block* one by one; their answers must have what the runbook shows.

    A run that is started becomes RUN in *given*; the plan that it waits with becomes PLAN.
    """
    answers = ""
    for command in block.commands:
        done = _run(command, given)
        answers += done.stdout
        assert block.may_fail or done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}"
        assert "Traceback" not in done.stdout, f"{command}:\n{done.stdout}"
        if command.startswith("azora release") and (started := PAGE_OF_A_RUN.search(done.stdout)):
            given["RUN"] = started[1]
        if command.startswith("azora release") and (waits := PLAN_THAT_WAITS.search(done.stdout)):
            given["PLAN"] = waits[1]
    assert not block.missing(answers), f"{block.commands} did not say {block.missing(answers)}:\n{answers}"


def _run(command: str, given: Given) -> subprocess.CompletedProcess[str]:
    node = layout(settings().node)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:{programs()}"
    known = {} if command.startswith("azora local") else _settings()
    env = clean_environment(
        **known | {"PATH": path, "KUBECONFIG": str(node.kubeconfig), "AZORA_NODE": node.name, "COLUMNS": "200"} | given
    )
    return subprocess.run(
        ["bash", "-u", "-c", command],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_TIMEOUT_SECONDS,
        check=False,
    )


def _settings() -> dict[str, str]:
    """Variables of the application that is drilled, and where its Prefect is."""
    return {name: value for name, value in os.environ.items() if name.startswith(("AZORA_", "PREFECT_API_"))}
