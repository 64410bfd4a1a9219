"""The routes that the platform's keeper asks: is it alive, is it ready, what is it, how does it do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from common.envelope import Lifecycle
from common.metrics import Metrics
from common.settings import ServiceSettings

log = logging.getLogger(__name__)

Check = Callable[[], object]
CHECK_SECONDS = 3.0


async def _state(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await asyncio.to_thread(check)
    except Exception as error:  # whatever it is, the dependency is not usable
        log.warning("%s is not usable", name, extra={"error.type": type(error).__name__})
        return "failing"
    return "ok"


def operations(
    service: str, settings: ServiceSettings, lifecycle: Lifecycle, checks: Mapping[str, Check], metrics: Metrics
) -> APIRouter:
    """Routes /healthz, /readyz, /version and /metrics of *service*.

    The service is ready when every one of *checks* returns.
    """
    router = APIRouter(tags=["operations"])
    identity = {"service": service, "release": settings.azora_release, "color": settings.azora_color}

    @router.get("/healthz", summary="The process runs")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @router.get("/readyz", summary="The process and its dependencies can serve", responses={503: {}})
    async def readyz() -> JSONResponse:
        states = await asyncio.gather(*(_state(name, check) for name, check in checks.items()))
        found = dict(zip(checks, states, strict=True))
        status = "draining" if lifecycle.draining else "failing" if "failing" in states else "ok"
        return JSONResponse({"status": status, **identity, "checks": found}, 200 if status == "ok" else 503)

    @router.get("/version", summary="What runs")
    async def version() -> JSONResponse:
        return JSONResponse(identity)

    @router.get("/metrics", summary="Prometheus metrics")
    async def exposition() -> Response:  # not in a thread: it must answer when none is left
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    return router
