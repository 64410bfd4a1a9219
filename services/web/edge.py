"""Routes of the edge besides pages: the API, the assets, and a slow answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from common.problems import Problem
from common.siblings import AsyncSibling
from web.assets import Assets

router = APIRouter()


@router.api_route("/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def pass_to_api(request: Request, path: str) -> Response:
    """Forward a request to the API, without cookies.

    The API identifies people by their token only, so no other site can make a browser act there.
    """
    api: AsyncSibling = request.app.state.api
    return await api.forward(request, f"/api/{path}")


@router.get("/static/{name}")
async def asset(request: Request, name: str) -> Response:
    """Serve an asset, cached for good under its content's name.

    A page whose release is gone gets this release's asset instead of none.
    """
    assets: Assets = request.app.state.assets
    found = await assets.find(name)
    if found is None:
        raise Problem(404, "not_found", "Not Found")
    headers = {"cache-control": "public, max-age=31536000, immutable" if found.exact else "no-cache"}
    return Response(found.content, media_type=found.media_type, headers=headers)


@router.get("/favicon.ico")
async def favicon() -> Response:
    return Response(status_code=204, headers={"cache-control": "public, max-age=86400"})


@router.get("/slow")
async def slow(seconds: Annotated[float, Query(ge=0, le=30)] = 5) -> StreamingResponse:
    """FOR TESTS: an answer that takes its time, to see that a switch or a stopping pod lets it finish."""

    async def lines() -> AsyncIterator[str]:
        left = seconds
        while left > 0:
            yield f"{left:g} s left\n"
            await asyncio.sleep(min(left, 0.5))
            left -= 0.5
        yield "done\n"

    return StreamingResponse(lines(), media_type="text/plain", headers={"cache-control": "no-store"})
