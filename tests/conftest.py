"""What every test may use. Tests that need a cluster run on the embedded node `test`, which is started once and left up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from azora.local.layout import layout

os.environ["AZORA_NODE"] = os.environ.get("AZORA_TEST_NODE", "test")  # emptied and stopped: never a demo
os.environ["PREFECT_SERVER_EPHEMERAL_ENABLED"] = "false"
os.environ["PREFECT_API_URL"] = f"{layout(os.environ['AZORA_NODE']).prefect_url}/api"  # Prefect reads it at its import

FOLDERS_ON_A_NODE = ("flows", "cluster", "ui", "faults")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever lives in these folders needs the node."""
    for item in items:
        folder = Path(item.path).relative_to(Path(__file__).parent).parts[0]
        if folder in FOLDERS_ON_A_NODE:
            item.add_marker(pytest.mark.cluster)
            item.fixturenames.insert(0, "node")  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def node() -> Iterator[str]:
    """The embedded node of AZORA_NODE (`test`), up with Prefect and its worker; the settings of this process point at it.

    It is stopped after the last test; its state stays, so that the next run finds its images and databases.
    """
    from rich.console import Console

    from azora.local import node as life
    from azora.local.progress import Steps
    from azora.settings import settings

    life.up(layout(os.environ["AZORA_NODE"]), Steps(Console()))
    settings.cache_clear()
    settings()
    yield os.environ["AZORA_NODE"]
    life.down(layout(os.environ["AZORA_NODE"]), Steps(Console()))


@pytest.fixture(scope="session")
def released(node: str) -> None:  # noqa: ARG001 - the node must be up
    """Both environments serve the newest commit of this checkout, released into empty namespaces through the whole road.

    The first test that asks for it pays for it.
    """
    from tests import road

    road.take_over_this_checkout()
    for environment in ("production", "staging"):
        road.empty(environment)
    run = road.until_it_waits(road.begin("release", ref="main"), seconds=600)
    road.approve(run)
    assert road.until_over(run, seconds=300).went_well
