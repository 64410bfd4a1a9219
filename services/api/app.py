"""The service `api`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from api.health import health
from api.settings import Settings
from common.envelope import Envelope
from common.problems import Problem
from common.service import service
from common.siblings import AsyncSibling

router = APIRouter(prefix="/api", tags=["gateway"])


@router.get("/health", summary="Health of every service, with its release and color", responses={503: {}})
async def show_health(request: Request) -> JSONResponse:
    state = request.app.state
    found = await health(state.own_health, state.siblings)
    return JSONResponse(found, 200 if found["status"] == "ok" else 503, {"cache-control": "no-store"})


@router.api_route("/{name}/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def forward(request: Request, name: str, path: str) -> Response:
    """`/api/edu/courses` is `/edu/courses` of edu: a sibling's operational routes are out of reach."""
    sibling: AsyncSibling | None = request.app.state.siblings.get(name)
    if sibling is None:
        raise Problem(404, "no_such_api", f"There is no API {name!r}.")
    return await sibling.forward(request, f"/{name}/{path}")


def create(settings: Settings | None = None) -> Envelope:
    settings = settings or Settings()
    addresses = {"auth": settings.auth_url, "edu": settings.edu_url, "pay": settings.pay_url}
    siblings = {name: AsyncSibling(address, settings) for name, address in addresses.items()}

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        for sibling in siblings.values():
            await sibling.close()

    return service(
        "api",
        settings,
        description="One address for the APIs of auth, edu and pay.",
        routers=[router],
        unavailable=[httpx.HTTPError],
        lifespan=lifespan,
        state={
            "siblings": siblings,
            "own_health": {
                "status": "ok",
                "release": settings.azora_release,
                "color": settings.azora_color,
                "checks": {},
            },
        },
    )
