"""SIGKILL around the switch: one switch, the right end, no request lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from azora.core.cluster.state import World
from azora.gateways.prefect.runs import Run
from tests.support import pipeline
from tests.support.guestbook import Guestbook
from tests.support.pipeline import ENTRIES
from tests.support.polling import until
from tests.support.users import users_of

pytestmark = pytest.mark.slow


def kill_at(run: Run, moment: Callable[[World], bool], *, seconds: float = 60) -> None:
    """SIGKILL the run's process at *moment*.

    The process runs a few milliseconds at a time and is held during each check.
    """
    pid = pipeline.process_of(run)
    deadline = time.monotonic() + seconds
    os.kill(pid, signal.SIGSTOP)
    while not moment(pipeline.world("production")):
        assert time.monotonic() < deadline, "it never came to that"
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.005)
        os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)


def newly_ready(old: World, now: World) -> bool:
    preview = now.stack(old.preview)
    return preview.is_ready and preview.release != old.stack(old.preview).release


def newly_proved(old: World, now: World) -> bool:
    preview = now.stack(old.preview)
    return preview.is_proved and preview.release != old.stack(old.preview).release


def just_switched(old: World, now: World) -> bool:
    return now.active is old.preview


@pytest.mark.parametrize(
    ("moment", "was_switched"),
    [
        pytest.param(newly_proved, False, id="just before"),
        pytest.param(just_switched, True, id="just after"),
    ],
)
def test_flow_killed_around_the_switch(
    served_book: Guestbook,
    moment: Callable[[World, World], bool],
    *,
    was_switched: bool,
) -> None:
    """The retry switches once, or goes on after the switch; no request is lost."""
    commit = pipeline.proved(served_book.commit(served_book.ready_after(3) | {ENTRIES: f"Ada: {moment.__name__}\n"}))
    old = pipeline.world("production")
    run = pipeline.until_it_waits(pipeline.begin("release", ref=commit))
    with users_of("production") as users:
        pipeline.approve(run)
        until(
            lambda: newly_ready(old, pipeline.world("production")), seconds=120, what="a preview to prove", every=0.05
        )
        kill_at(run, lambda now: moment(old, now))
        assert (pipeline.world("production").active is old.preview) is was_switched
        pipeline.until_the_crash_is_reported(run)
        pipeline.retry(run)
        over = pipeline.until_over(run, seconds=120)
        seen = users.stop()
    now = pipeline.world("production")
    assert over.went_well
    assert now.active is old.preview
    assert len(now.switches) == len(old.switches) + 1
    assert seen.failed == 0, seen.summary()
