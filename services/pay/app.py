"""The service `pay`."""

from __future__ import annotations

from datetime import timedelta

import httpx
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import sessionmaker

from common import database, sessions
from common.envelope import Envelope
from common.service import service
from common.siblings import Sibling
from common.trials import guarded
from pay import routes, trials, webhooks
from pay.payments import ProviderUnavailable
from pay.provider import Provider
from pay.settings import Settings


def create(settings: Settings | None = None) -> Envelope:
    settings = settings or Settings()
    engine = database.connect(settings)
    redis = sessions.connect(settings)
    return service(
        "pay",
        settings,
        description="Carts, orders and payments.",
        routers=[routes.router, webhooks.router, *guarded("pay", trials.router)],
        checks={"postgresql": lambda: database.ping(engine), "redis": redis.ping},
        unavailable=[DBAPIError, PoolTimeoutError, RedisError, httpx.HTTPError, ProviderUnavailable],
        pools={"postgresql": database.pool_of(engine, settings), "redis": sessions.pool_of(redis)},
        state={
            "engine": engine,
            "database": sessionmaker(engine),
            "sessions": sessions.Sessions(redis, timedelta(hours=settings.session_hours)),
            "edu": Sibling(settings.edu_url, settings),
            "provider": Provider(settings),
        },
    )
