"""Waiting for a database that is restarting: far shorter than a new attempt of the Job takes."""

from __future__ import annotations

import logging
import time

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

log = logging.getLogger("migrations")

LONGEST_SECONDS = 30.0
PAUSE_SECONDS = 0.5


def when_it_answers(engine: Engine, *, longest_seconds: float = LONGEST_SECONDS) -> Connection:
    """A connection, as soon as there is one.

    Raises:
        OperationalError: there was none for that long.
    """
    deadline = time.monotonic() + longest_seconds
    while True:
        try:
            return engine.connect()
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise
            log.warning("the database does not answer yet: %s", str(error.orig).strip())
            time.sleep(PAUSE_SECONDS)
