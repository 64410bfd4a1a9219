"""The service `edu`."""

from __future__ import annotations

from datetime import timedelta

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import sessionmaker

from common import database, sessions
from common.envelope import Envelope
from common.service import service
from common.siblings import Sibling
from common.trials import guarded
from edu import trials
from edu.routes import router
from edu.settings import Settings


def create(settings: Settings | None = None) -> Envelope:
    settings = settings or Settings()
    engine = database.connect(settings)
    redis = sessions.connect(settings)
    return service(
        "edu",
        settings,
        description="Courses, lessons and who is enrolled.",
        routers=[router, *guarded("edu", trials.router)],
        checks={"postgresql": lambda: database.ping(engine), "redis": redis.ping},
        unavailable=[DBAPIError, PoolTimeoutError, RedisError],
        pools={"postgresql": database.pool_of(engine, settings), "redis": sessions.pool_of(redis)},
        state={
            "database": sessionmaker(engine),
            "sessions": sessions.Sessions(redis, timedelta(hours=settings.session_hours)),
            "pay": Sibling(settings.pay_url, settings),
        },
    )
