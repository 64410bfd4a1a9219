"""Passwords: argon2id, and a lock against guessing."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from redis import Redis

# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html: 19 MiB, two passes, one lane
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# So many hashes at once: their memory and their core are what a burst of logins would exhaust.
_slots = BoundedSemaphore(2)


def outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than ours."""
    return _hasher.check_needs_rehash(password_hash)


def hashed(password: str) -> str:
    with _slots:
        return _hasher.hash(password)


@cache
def _nobodys_hash() -> str:
    return hashed("nobody has this password")


def matches(password_hash: str | None, password: str) -> bool:
    """Whether *password* is the one; takes as long when there is no such account."""
    with_account = password_hash or _nobodys_hash()
    with _slots:
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
        """Count one more try, before its password is looked at: of many at once no more get through than of many in a row.

        Returns how long there is none left; None when this one may go on.
        """
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.incr(self._key(email))
            pipeline.expire(self._key(email), self.period, nx=True)
            pipeline.ttl(self._key(email))
            count, _, seconds = pipeline.execute()
        return timedelta(seconds=max(seconds, 1)) if count > self._failures else None

    def succeeded(self, email: str) -> None:
        self._redis.delete(self._key(email))
