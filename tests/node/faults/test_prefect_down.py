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
from tests.support.guestbook import Guestbook
from tests.support.polling import until
from tests.support.users import users_of

pytestmark = pytest.mark.slow


@pytest.fixture
def no_prefect(served_book: Guestbook) -> Iterator[None]:  # noqa: ARG001 - production serves users
    pipeline.a_way_back()
    with pipeline.stopped("prefect-worker", "prefect-server"):
        yield


@pytest.mark.usefixtures("no_prefect")
def test_rollback_without_prefect() -> None:
    """`azora rollback` moves users back within seconds, and no request is lost."""
    old = pipeline.world("production")
    with users_of("production") as users:
        began = time.time()
        command = [str(Path(sys.executable).parent / "azora"), "rollback", "production", "--json"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        until(lambda: users.were_on(str(old.preview)), seconds=30, what="users are on the other color")
        seen = users.stop()
    now = pipeline.world("production")
    assert now.active is old.preview
    assert json.loads(done.stdout)["to"] == old.preview
    assert seen.failed == 0, seen.summary()
    moved = seen.first_on(str(now.active))
    assert moved is not None
    assert moved - began <= 5, f"users moved after {moved - began:.1f} s"
