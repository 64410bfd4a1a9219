"""The promotion of production that several files look at: under users, and told to whoever wants to know."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from azora.config.settings import settings
from tests.support import pipeline
from tests.support.promoted import Notices, Yes
from tests.support.receiver import Receiver, receiving
from tests.support.users import users_of


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
    pipeline.take_preview_away("production")
    return pipeline.a_proved_commit()


@pytest.fixture(scope="session")
def yes(proved: str) -> Yes:
    """Production is promoted to *proved*, under users; one of the two addresses that are told is away."""
    before = pipeline.world("production")
    with receiving() as receiver, told_to(receiver):
        run = pipeline.until_it_waits(pipeline.begin("release", ref=proved), seconds=60)
        before_the_answer = [notice for _, notice in receiver.got]
        with users_of("production") as users:
            answered = time.time()
            pipeline.approve(run)
            over = pipeline.until_over(run)
            return Yes(
                before, answered, over, users.stop(), Notices(before_the_answer, [notice for _, notice in receiver.got])
            )
