"""Set-up of every test: the node starts meanwhile, files go to processes, and the cost is counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from azora import redaction
from azora.local.layout import layout
from tests.support.processor_seconds import ProcessorSeconds

os.environ.pop("AZORA_SETTINGS", None)  # whatever it names is not what tests may empty
os.environ["AZORA_NODE"] = os.environ.get("AZORA_TEST_NODE", "test")  # emptied and stopped: never a demo
os.environ["PREFECT_SERVER_EPHEMERAL_ENABLED"] = "false"
os.environ["PREFECT_LOGGING_TO_API_ENABLED"] = (
    "false"  # hooks that a test calls log; a thread would complain into another test
)
os.environ["PREFECT_API_URL"] = f"{layout(os.environ['AZORA_NODE']).prefect_url}/api"  # Prefect reads it at its import


QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
ON_THE_NODE = Path(__file__).parent / "node"
STARTING = pytest.StashKey[subprocess.Popen[bytes]]()


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that one test read are not masked in another one."""
    monkeypatch.setattr(redaction, "_live", {})


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(ProcessorSeconds(Path(config.rootpath)))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests for xdist: all tests on the node in one process, the others by file.

    Users' requests are counted, so the machine must be able to serve them.
    """
    for item in items:
        on_the_node = ON_THE_NODE in item.path.parents
        if on_the_node:
            item.add_marker(pytest.mark.cluster)
        item.add_marker(pytest.mark.xdist_group("node" if on_the_node else item.path.stem))


def pytest_report_header(config: pytest.Config) -> list[str]:
    return [f"node: starts meanwhile, see {_log_of_its_start()}"] if _needs_the_node(config) else []


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the node while the tests that need none run.

    With xdist, the process that has no tests itself starts it.
    """
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly or not _needs_the_node(config):
        return
    _log_of_its_start().parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "azora", "local", "up", os.environ["AZORA_NODE"]]
    with _log_of_its_start().open("w") as output:
        config.stash[STARTING] = subprocess.Popen(command, stdout=output, stderr=output)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """It is stopped; its state stays, so that the next run finds its images and databases."""
    if starting := session.config.stash.get(STARTING, None):
        starting.wait()
        subprocess.run([sys.executable, "-m", "azora", "local", "down", os.environ["AZORA_NODE"]], check=False)


def _needs_the_node(config: pytest.Config) -> bool:
    """Return True when an argument is the folder that needs the node, is in it, or has it inside."""
    asked = [Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args]
    return any(one == ON_THE_NODE or one in ON_THE_NODE.parents or ON_THE_NODE in one.parents for one in asked)


def _log_of_its_start() -> Path:
    return layout(os.environ["AZORA_NODE"]).state.with_suffix(".up.log")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium, which talks to nobody but us."""
    return {
        **browser_type_launch_args,
        "executable_path": "/usr/bin/chromium-headless-shell",
        "args": [*QUIET, "--no-first-run"],
    }


@pytest.fixture(autouse=True)
def no_reports_of_a_node(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests without the node do not sign with the key of one that is there: settings adopt its variables."""
    if ON_THE_NODE not in request.path.parents:
        for name in [name for name in os.environ if name.startswith("AZORA_REPORTS_")]:
            monkeypatch.delenv(name)
