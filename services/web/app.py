"""The service `web`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI

from common.envelope import Envelope
from common.service import service
from common.siblings import AsyncSibling
from web import edge, errors
from web.pages import account, catalogue, checkout
from web.settings import Settings
from web.site import Site


def create(settings: Settings | None = None) -> Envelope:
    settings = settings or Settings()
    api = AsyncSibling(settings.api_url, settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await api.close()

    return service(
        "web",
        settings,
        description="The pages, and the way to the API.",
        routers=[edge.router, catalogue.router, account.router, checkout.router],
        handlers={**errors.HANDLERS, httpx.HTTPError: errors.on_unavailable},
        lifespan=lifespan,
        documented=False,
        state={"api": api, "site": Site(settings)},
    )
