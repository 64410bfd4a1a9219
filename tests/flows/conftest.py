"""The promotion of production that several files look at: under users, and told to whoever wants to know."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from azora.config.settings import settings
from azora.core.checks.probe_result import ProbeResult
from azora.core.cluster.state import World
from tests import road
from tests.receiver import Receiver, receiving
from tests.users import users_of


@dataclass(frozen=True)
class Notices:
    """What the receiver was told in one promotion: before the answer, and in all."""

    before_the_answer: list[dict[str, Any]]
    all: list[dict[str, Any]]


@dataclass(frozen=True)
class Yes:
    """A promotion of production: the world before, the moment of the answer (Unix time), the run, what users met, notices."""

    before: World
    answered: float
    over: road.Run
    seen: ProbeResult
    told: Notices


@contextmanager
def told_to(receiver: Receiver) -> Iterator[None]:
    """Every run reads the receiver's address in the machine's file, after one where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        away = nobody.getsockname()[1]
    file = settings().state_folder / "notify"
    file.write_text(f"json://127.0.0.1:{away}/\njson://{receiver.place}/\n")
    yield
    file.unlink()


@pytest.fixture(scope="session")
def proved(released: object) -> str:  # noqa: ARG001
    """A commit that staging proved and that no color of production holds: a yes installs fifteen pods."""
    road.take_preview_away("production")
    return road.a_proved_commit()


@pytest.fixture(scope="session")
def yes(proved: str) -> Yes:
    """Production is promoted to *proved*, under users; one of the two addresses that are told is away."""
    before = road.world("production")
    with receiving() as receiver, told_to(receiver):
        run = road.until_it_waits(road.begin("release", ref=proved), seconds=60)
        before_the_answer = [notice for _, notice in receiver.got]
        with users_of("production") as users:
            answered = time.time()
            road.approve(run)
            over = road.until_over(run)
            return Yes(
                before, answered, over, users.stop(), Notices(before_the_answer, [notice for _, notice in receiver.got])
            )
