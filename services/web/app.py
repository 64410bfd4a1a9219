"""The service `web`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI

from common import sessions
from common.envelope import Envelope
from common.service import service
from common.siblings import AsyncSibling
from web import edge, errors
from web.assets import Assets
from web.pages import account, catalogue, checkout
from web.settings import Settings
from web.site import HERE, Site


def create(settings: Settings | None = None) -> Envelope:
    settings = settings or Settings()
    api = AsyncSibling(settings.api_url, settings)
    redis = sessions.connect(settings)
    assets = Assets(HERE / "static", redis)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        lending = asyncio.create_task(assets.keep_lending())
        yield
        lending.cancel()
        await api.close()

    return service(
        "web",
        settings,
        description="The pages, and the way to the API.",
        routers=[edge.router, catalogue.router, account.router, checkout.router],
        handlers={**errors.HANDLERS, httpx.HTTPError: errors.on_unavailable},
        lifespan=lifespan,
        documented=False,
        pools={"redis": sessions.pool_of(redis)},
        state={"api": api, "assets": assets, "site": Site(settings, assets)},
    )
