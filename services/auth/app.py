"""The service `auth`."""

from __future__ import annotations

from datetime import timedelta

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import sessionmaker

from auth import passwords, trials
from auth.passwords import Lockout
from auth.routes import router
from auth.settings import Settings
from common import database, sessions
from common.envelope import Envelope
from common.service import service
from common.trials import guarded


def create(settings: Settings | None = None) -> Envelope:
    settings = settings or Settings()
    engine = database.connect(settings)
    redis = sessions.connect(settings)
    return service(
        "auth",
        settings,
        description="Accounts and logins.",
        routers=[router, *guarded("auth", trials.router)],
        checks={"postgresql": lambda: database.ping(engine), "redis": redis.ping},
        unavailable=[DBAPIError, PoolTimeoutError, RedisError],
        pools={
            "postgresql": database.pool_of(engine, settings),
            "redis": sessions.pool_of(redis),
            "passwords": passwords.usage,
        },
        state={
            "database": sessionmaker(engine),
            "sessions": sessions.Sessions(redis, timedelta(hours=settings.session_hours)),
            "lockout": Lockout(redis, settings.lockout_failures, timedelta(minutes=settings.lockout_minutes)),
        },
    )
