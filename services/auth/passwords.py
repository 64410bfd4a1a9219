"""Passwords: argon2id, and a lock against guessing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from threading import Condition

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from redis import Redis

from common.metrics import Usage
from common.problems import Problem

# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html: 19 MiB, two passes, one lane
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# So many hashes at once: their memory and their core are what a burst of logins would exhaust.
_MOST_AT_ONCE = 2
# Well below a sibling's time limit: who is told to try again must not find that it was done all the same.
_LONGEST_WAIT_SECONDS = 3.0


class Slots:
    """The places for hashes: a semaphore that can say how many wait."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._in_use = self._waiting = 0
        self._freed = Condition()

    def _take(self) -> bool:
        with self._freed:
            self._waiting += 1
            found = self._freed.wait_for(lambda: self._in_use < self._limit, _LONGEST_WAIT_SECONDS)
            self._waiting -= 1
            self._in_use += found
            return found

    @contextmanager
    def one(self) -> Iterator[None]:
        """One of the places for a hash.

        Raises:
            Problem: there is none for three seconds; nothing was done yet.
        """
        if not self._take():
            raise Problem(503, "busy", "Too many people log in or register just now. Try again.", {"Retry-After": "1"})
        try:
            yield
        finally:
            with self._freed:
                self._in_use -= 1
                self._freed.notify()

    def usage(self) -> Usage:
        return Usage(self._in_use, self._limit, waiting=self._waiting)


_slots = Slots(_MOST_AT_ONCE)
usage = _slots.usage


def outdated(password_hash: str) -> bool:
    """Return True when the hash was made with other parameters than ours."""
    return _hasher.check_needs_rehash(password_hash)


def hashed(password: str) -> str:
    with _slots.one():
        return _hasher.hash(password)


@cache
def _nobodys_hash() -> str:
    return hashed("nobody has this password")


def matches(password_hash: str | None, password: str) -> bool:
    """Return True when *password* is the right one; without an account this takes as long."""
    with_account = password_hash or _nobodys_hash()
    with _slots.one():
        try:
            _hasher.verify(with_account, password)
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


class Lockout:
    """Counts the wrong passwords of an e-mail address, whether it has an account or not."""

    def __init__(self, redis: Redis, failures: int, period: timedelta) -> None:
        self._redis = redis
        self._failures = failures
        self.period = period

    def _key(self, email: str) -> str:
        return f"failures:{hashlib.sha256(email.encode()).hexdigest()}"

    def attempt(self, email: str) -> timedelta | None:
        """Count one more attempt before its password is checked.

        Of many attempts at once no more get through than of many in a row.

        Returns how long there is none left; None when this one may go on.
        """
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.incr(self._key(email))
            pipeline.expire(self._key(email), self.period, nx=True)
            pipeline.ttl(self._key(email))
            count, _, seconds = pipeline.execute()
        return timedelta(seconds=max(seconds, 1)) if count > self._failures else None

    def not_counted(self, email: str) -> None:
        """Take the newest try back: its password was never looked at."""
        self._redis.decr(self._key(email))

    def succeeded(self, email: str) -> None:
        self._redis.delete(self._key(email))
