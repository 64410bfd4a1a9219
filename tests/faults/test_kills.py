"""SIGKILL around the switch: one switch, the right end, no request lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from azora.core.cluster.state import World
from tests import road
from tests.users import users_of
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("released")]


def kill_at(run: road.Run, moment: Callable[[World], bool], *, seconds: float = 60) -> None:
    """SIGKILL the run's process at *moment*: it runs a few milliseconds at a time and is held while one looks."""
    pid = road.process_of(run)
    deadline = time.monotonic() + seconds
    os.kill(pid, signal.SIGSTOP)
    while not moment(road.world("production")):
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
def test_a_flow_killed_around_the_switch_switches_once(
    moment: Callable[[World, World], bool], *, was_switched: bool
) -> None:
    road.take_preview_away("production")
    old = road.world("production")
    run = road.until_it_waits(road.begin("release", ref=road.a_proved_commit()))
    with users_of("production") as users:
        road.approve(run)
        until(lambda: newly_ready(old, road.world("production")), seconds=120, what="a preview to prove")
        kill_at(run, lambda now: moment(old, now))
        assert (road.world("production").active is old.preview) is was_switched
        road.until_the_crash_is_told(run)
        road.retry(run)
        over = road.until_over(run, seconds=120)
        seen = users.stop()
    now = road.world("production")
    assert over.went_well
    assert now.active is old.preview
    assert len(now.switches) == len(old.switches) + 1
    assert seen.failed == 0, seen.summary()
