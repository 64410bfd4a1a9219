"""What every test may use. Tests that need a cluster run on the embedded node `test`, which is started once and left up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from azora.host.priority import weight_of_session
from azora.local.layout import layout
from tests.support.first_release import FirstRelease

os.environ.pop("AZORA_SETTINGS", None)  # whatever it names is not what tests may empty
os.environ["AZORA_NODE"] = os.environ.get("AZORA_TEST_NODE", "test")  # emptied and stopped: never a demo
os.environ["PREFECT_SERVER_EPHEMERAL_ENABLED"] = "false"
os.environ["PREFECT_LOGGING_TO_API_ENABLED"] = (
    "false"  # hooks that a test calls log; a thread would complain into another test
)
os.environ["PREFECT_API_URL"] = f"{layout(os.environ['AZORA_NODE']).prefect_url}/api"  # Prefect reads it at its import


QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
HERE = Path(__file__).parent
ON_THE_NODE = HERE / "node"
A_NODE_OF_ITS_OWN = ON_THE_NODE / "test_second_node.py"
BESIDE = ON_THE_NODE / "ui/test_start_forms.py"  # nothing that other tests look at changes
STARTING = pytest.StashKey[subprocess.Popen[bytes]]()


class OneNodeForAll(LoadScopeScheduling):  # type: ignore[misc] # has no types
    """Of two workers one has all tests of the node, in their order; else by file.

    Not by xdist's groups: with pytest 9.2 it does not read them.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = Path(self.config.rootpath, nodeid.partition("::")[0])
        return "the node" if _changes_the_node(file) else str(file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneNodeForAll:
    return OneNodeForAll(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Whatever lives in these folders needs a node; what takes longest, all on the one node, begins first.

    Sorted when pytest has put the tests with a browser together, and by the files as they were before that: a browser leaves
    its event loop running in the process, where Helm can be called no more; and a file's fixtures would be set up twice.
    """
    files = list(dict.fromkeys(item.path for item in items))
    for item in items:
        if item.path == A_NODE_OF_ITS_OWN or _on_the_node(item.path):
            item.add_marker(pytest.mark.cluster)
        if _on_the_node(item.path):
            item.fixturenames.insert(0, "node")  # type: ignore[attr-defined]
    yield
    items.sort(key=lambda item: files.index(item.path))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (not _changes_the_node(item.path), item.path == BESIDE))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """The worker with the tests of the node is waited for longest: the other one takes what that one leaves."""
    if hasattr(item.config, "workerinput") and not _changes_the_node(item.path):
        _let_the_node_go_first()


@cache
def _let_the_node_go_first() -> None:
    os.setsid()
    with suppress(OSError):  # a kernel that does not weigh sessions
        weight_of_session(os.getpid()).write_text("5")


def _on_the_node(file: Path) -> bool:
    return ON_THE_NODE in file.parents and file != A_NODE_OF_ITS_OWN


def _changes_the_node(file: Path) -> bool:
    return _on_the_node(file) and file != BESIDE


def pytest_report_header(config: pytest.Config) -> list[str]:
    return [f"node: starts meanwhile, see {_log_of_its_start()}"] if _needs_the_node(config) else []


def pytest_sessionstart(session: pytest.Session) -> None:
    """The node starts while the tests that need none run; with xdist, by the process that has no tests itself."""
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


@pytest.fixture(scope="session")
def node() -> str:
    """The embedded node of AZORA_NODE (`test`), up with Prefect and its worker; the settings of this process point at it."""
    from prefect.context import refresh_global_settings_context
    from rich.console import Console

    from azora.config.settings import node_environment, settings
    from azora.local import node as life
    from azora.local.progress import Progress

    name = os.environ["AZORA_NODE"]
    life.up(layout(name), Progress(Console(quiet=True)))  # waits for the start that is under way
    os.environ.update(node_environment(name))  # what an earlier start wrote was read before
    settings.cache_clear()
    refresh_global_settings_context()  # Prefect read its own at its import, when the auth string may not have been made
    return name


def _needs_the_node(config: pytest.Config) -> bool:
    """Whether a folder that needs it is among those asked for, or in one of them, or has one in it."""
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


@pytest.fixture(scope="session")
def first_release(node: str) -> FirstRelease:  # noqa: ARG001 - the node must be up
    """The whole road from nothing: production begins as an empty namespace, staging with what a killed first deployment left."""
    from tests.support import pipeline

    pipeline.take_over_this_checkout()
    pipeline.reject_what_waits()
    pipeline.empty("production", "staging")
    killed = pipeline.begin("deploy-staging", ref="main")
    pipeline.wait_for(killed, lambda _: "azora-blue" in pipeline.world("staging").pending, seconds=600)
    os.kill(pipeline.process_of(killed), signal.SIGKILL)
    pipeline.kill_helm("azora-blue")
    pipeline.wait_for(killed, lambda now: now.kind == "CRASHED", seconds=60)
    run = pipeline.until_it_waits(pipeline.begin("release", ref="main"), seconds=600)
    pipeline.approve(run)
    assert pipeline.until_over(run, seconds=300).went_well
    return FirstRelease(killed.id, run.id)


@pytest.fixture(scope="session")
def released(node: str) -> None:  # noqa: ARG001 - the node must be up
    """Both environments serve, production the newest commit of this checkout.

    What an earlier run of the tests left is gone on with: who asks for one test need not wait for a first release.
    """
    from tests.support import pipeline

    pipeline.take_over_this_checkout()
    pipeline.reject_what_waits()
    if pipeline.serve_main():
        return
    pipeline.empty("production", "staging")  # a database that is ahead of this checkout, for one
    assert pipeline.serve_main()
