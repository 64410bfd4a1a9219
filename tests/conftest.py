"""What every test may use. Tests that need a cluster run on the embedded node `test`, which is started once and left up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from azora.local.layout import layout

os.environ["AZORA_NODE"] = os.environ.get("AZORA_TEST_NODE", "test")  # emptied and stopped: never a demo
os.environ["PREFECT_SERVER_EPHEMERAL_ENABLED"] = "false"
os.environ["PREFECT_API_URL"] = f"{layout(os.environ['AZORA_NODE']).prefect_url}/api"  # Prefect reads it at its import


@dataclass(frozen=True)
class FirstRelease:
    """Ids of the runs: one that was killed while it installed staging, and the one that went over what it left."""

    killed: str
    run: str


QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
UP = pytest.StashKey[tuple[subprocess.Popen[bytes], Path]]()
FOLDERS_ON_A_NODE = ("flows", "cluster", "ui", "people", "faults")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever lives in these folders needs the node."""
    for item in items:
        folder = Path(item.path).relative_to(Path(__file__).parent).parts[0]
        if folder in FOLDERS_ON_A_NODE:
            item.add_marker(pytest.mark.cluster)
            item.fixturenames.insert(0, "node")  # type: ignore[attr-defined]


def pytest_collection_finish(session: pytest.Session) -> None:
    """The node starts while the tests before the first that needs it run."""
    needed = any(item.get_closest_marker("cluster") for item in session.items)
    if needed and not session.config.option.collectonly:
        name = os.environ["AZORA_NODE"]
        log = layout(name).state.with_suffix(".up.log")
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "azora", "local", "up", name]
        with log.open("w") as output:
            session.config.stash[UP] = subprocess.Popen(command, stdout=output, stderr=output), log


@pytest.fixture(scope="session")
def node(pytestconfig: pytest.Config) -> Iterator[str]:
    """The embedded node of AZORA_NODE (`test`), up with Prefect and its worker; the settings of this process point at it.

    It is stopped after the last test; its state stays, so that the next run finds its images and databases.
    """
    from rich.console import Console

    from azora.local import node as life
    from azora.local.progress import Steps
    from azora.settings import node_environment, settings

    name = os.environ["AZORA_NODE"]
    plugins = pytestconfig.pluginmanager
    with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
        _show_until_up(*pytestconfig.stash[UP], plugins.get_plugin("terminalreporter"))
    os.environ.update(node_environment(name))  # what an earlier start wrote was read before
    settings.cache_clear()
    yield name
    life.down(layout(name), Steps(Console()))


def _show_until_up(starting: subprocess.Popen[bytes], log: Path, terminal: Any) -> None:
    """What the start says, as it says it: the first one on a machine builds for minutes."""
    terminal.ensure_newline()
    with log.open() as lines:
        while starting.poll() is None:
            terminal.write(lines.read(), flush=True)
            time.sleep(0.5)
        terminal.write(lines.read(), flush=True)
    assert not starting.returncode, f"could not start the node: see {log}"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium, which talks to nobody but us."""
    return {**browser_type_launch_args, "executable_path": "/usr/bin/chromium", "args": [*QUIET, "--no-first-run"]}


@pytest.fixture(scope="session")
def released(node: str) -> FirstRelease:  # noqa: ARG001 - the node must be up
    """Both environments serve the newest commit of this checkout, through the whole road.

    Production begins as an empty namespace, staging with what a killed first deployment left. The first test that asks for
    it pays for it.
    """
    from tests import road

    road.take_over_this_checkout()
    for environment in ("production", "staging"):
        road.empty(environment)
    killed = road.begin("deploy-staging", ref="main")
    road.wait_for(killed, lambda _: "azora-blue" in road.world("staging").pending, seconds=600)
    os.kill(road.process_of(killed), signal.SIGKILL)
    road.kill_helm("azora-blue")
    road.wait_for(killed, lambda now: now.kind == "CRASHED", seconds=60)
    run = road.until_it_waits(road.begin("release", ref="main"), seconds=600)
    road.approve(run)
    assert road.until_over(run, seconds=300).went_well
    return FirstRelease(killed.id, run.id)
