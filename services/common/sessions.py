"""Sessions of visitors: logins in Redis, found by the token in the browser's cookie."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request
from pydantic import BaseModel, Field
from redis import BlockingConnectionPool, Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from common.metrics import Pool, Usage
from common.problems import Problem
from common.settings import RedisSettings


class Account(BaseModel):
    """A person, as every service knows them."""

    id: UUID = Field(description="The same for good.")
    name: str = Field(description="What they want to be called.")
    email: str = Field(description="In small letters; one account has it.")


def connect(settings: RedisSettings) -> Redis:
    """A client that survives a restart of Redis and gives up on it within seconds."""
    pool = BlockingConnectionPool.from_url(
        settings.redis_url.get_secret_value(),
        max_connections=settings.redis_pool_size,
        timeout=2,
        decode_responses=True,
        socket_timeout=2,
        socket_connect_timeout=2,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 2),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    return Redis(connection_pool=pool)


def pool_of(redis: Redis) -> Pool:
    """Usage of the client's connection pool; the pool has no number of those who wait."""
    pool = redis.connection_pool

    def usage() -> Usage:
        found = {told["db.client.connection.state"]: count for count, told in pool.get_connection_count()}
        return Usage(found["used"], pool.max_connections, idle=found["idle"])

    return usage


def _key(token: str) -> str:
    """Redis holds only a hash: who reads it there cannot log in with it."""
    return f"session:{hashlib.sha256(token.encode()).hexdigest()}"


class Sessions:
    """Logins, each with an unguessable token and a lifetime."""

    def __init__(self, redis: Redis, lifetime: timedelta) -> None:
        self._redis = redis
        self.lifetime = lifetime

    def open(self, account: Account, lifetime: timedelta | None = None) -> str:
        token = secrets.token_urlsafe(32)
        self._redis.set(_key(token), account.model_dump_json(), ex=lifetime or self.lifetime)
        return token

    def account(self, token: str) -> Account | None:
        found = self._redis.get(_key(token))
        return Account.model_validate_json(str(found)) if found else None

    def close(self, token: str) -> None:
        self._redis.delete(_key(token))


_AUTHORIZATION = Header(description="`Bearer` and the token that logging in gave.")


def _token(authorization: Annotated[str | None, _AUTHORIZATION] = None) -> str | None:
    scheme, _, token = (authorization or "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None


Token = Annotated[str | None, Depends(_token)]


def _visitor(request: Request, token: Token) -> Account | None:
    sessions: Sessions = request.app.state.sessions
    return sessions.account(token) if token else None


Visitor = Annotated[Account | None, Depends(_visitor)]


def _signed_in(visitor: Visitor) -> Account:
    if visitor is None:
        raise Problem(401, "not_logged_in", "Log in first.")
    return visitor


SignedIn = Annotated[Account, Depends(_signed_in)]
