"""Rollback with the orchestrator stopped."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import pipeline
from tests.support.users import users_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("platform")]


@pytest.fixture
def no_prefect() -> Iterator[None]:
    with pipeline.stopped("prefect-worker", "prefect-server"):
        yield


@pytest.fixture
def a_way_back() -> None:
    pipeline.a_way_back()


@pytest.mark.usefixtures("a_way_back", "no_prefect")
def test_azora_rollback_moves_users_back_and_loses_nobody() -> None:
    old = pipeline.world("production")
    with users_of("production") as users:
        time.sleep(1)
        began = time.time()
        command = [str(Path(sys.executable).parent / "azora"), "rollback", "production", "--json"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        time.sleep(1)
        seen = users.stop()
    now = pipeline.world("production")
    assert now.active is old.preview
    assert json.loads(done.stdout)["to"] == old.preview
    assert seen.failed == 0, seen.summary()
    moved = seen.first_on(str(now.active))
    assert moved is not None
    assert moved - began <= 5, f"users moved after {moved - began:.1f} s"
