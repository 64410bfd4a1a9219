"""The health of the whole stack: each service's readiness, asked at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from common.siblings import AsyncSibling

_ASKED_SECONDS = 4.0
_TRIES = 3


async def _readiness(sibling: AsyncSibling) -> dict[str, Any]:
    """Request /readyz of the sibling, and again while a draining pod answers.

    The next answer comes from another pod.
    """
    found: dict[str, Any] = {}
    for _ in range(_TRIES):
        found = (await sibling.request("GET", "/readyz")).json()
        if found.get("status") != "draining":
            break
    return found


async def health_of(sibling: AsyncSibling) -> dict[str, Any]:
    """Status, release, color and checks of one service."""
    try:
        async with asyncio.timeout(_ASKED_SECONDS):
            found = await _readiness(sibling)
    except (httpx.HTTPError, ValueError, TimeoutError):
        return {"status": "failing", "release": None, "color": None, "checks": {}}
    return {
        "status": "ok" if found.get("status") == "ok" else "failing",
        "release": found.get("release"),
        "color": found.get("color"),
        "checks": found.get("checks", {}),
    }


async def health(own: Mapping[str, Any], siblings: Mapping[str, AsyncSibling]) -> dict[str, Any]:
    """The answer of /api/health; *own* is this gateway's part of it."""
    found = await asyncio.gather(*(health_of(sibling) for sibling in siblings.values()))
    services = {"api": dict(own), **dict(zip(siblings, found, strict=True))}
    healthy = all(service["status"] == "ok" for service in services.values())
    return {"status": "ok" if healthy else "failing", "services": services}
