"""Assembly of a service from its parts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response

from common.envelope import Envelope
from common.metrics import Metrics, Pool
from common.openapi import DescribedAPI
from common.operations import Check, operations
from common.problems import answer_with_problems
from common.settings import ServiceSettings

Handler = Callable[[Request, Exception], Awaitable[Response]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def service(
    name: str,
    settings: ServiceSettings,
    *,
    description: str,
    routers: Iterable[APIRouter] = (),
    checks: Mapping[str, Check] | None = None,
    unavailable: Iterable[type[Exception]] = (),
    state: Mapping[str, Any] | None = None,
    pools: Mapping[str, Pool] | None = None,
    lifespan: Lifespan | None = None,
    handlers: Mapping[type[Exception], Handler] | None = None,
    documented: bool = True,
) -> Envelope:
    """The ASGI application of service *name*.

    *checks* decide whether it is ready; an error in *unavailable* is answered 503, others as *handlers* say; *state* is
    what its routes find under `request.app.state`; *pools* are told to Prometheus.
    """
    app = DescribedAPI(
        title=f"Azora {name}",
        description=description,
        version=settings.azora_release,
        openapi_url=f"/{name}/openapi.json" if documented else None,
        docs_url=None,  # their pages load scripts from other hosts
        redoc_url=None,
        lifespan=lifespan,
    )
    for key, value in (state or {}).items():
        setattr(app.state, key, value)
    metrics = Metrics(name, settings, pools or {})
    envelope = Envelope(app, settings, metrics)
    answer_with_problems(app, unavailable)
    for kind, handler in (handlers or {}).items():
        app.add_exception_handler(kind, handler)
    app.include_router(operations(name, settings, envelope.lifecycle, checks or {}, metrics))
    for router in routers:
        app.include_router(router)
    return envelope
