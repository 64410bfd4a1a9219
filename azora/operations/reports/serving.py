"""Servers of `azora reports` in one process: reports and trace viewer, each on its own port."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import socket
from collections.abc import Mapping
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from azora.config.reports_key import reports_key
from azora.config.settings import Settings
from azora.errors import BadInput
from azora.operations.reports.links import origin_of
from azora.operations.reports.report_server import Access, report_server
from azora.operations.reports.retention import remove_old_reports

REMOVAL_SECONDS = 3600.0


def applications(settings: Settings, port: int, viewer_port: int) -> dict[int, ASGIApp]:
    """Applications by port; without `reports_viewer_url` there is no viewer.

    Raises:
        BadInput: a secret is missing, or the viewer would share the origin of the reports.
    """
    found: dict[int, ASGIApp] = {port: report_server(settings.runs_folder, _access(settings))}
    return found | ({viewer_port: viewer()} if settings.reports_viewer_url else {})


def serve(applications: Mapping[int, ASGIApp], address: str, settings: Settings) -> None:
    """Answer at *address* until the process ends; where workers upload, remove old reports each hour."""
    sockets = {port: _listening(address, port) for port in applications}
    asyncio.run(_serve([(applications[port], sockets[port]) for port in applications], settings))


async def _serve(pairs: list[tuple[ASGIApp, socket.socket]], settings: Settings) -> None:
    removal = asyncio.create_task(_remove_old(settings)) if settings.reports_upload else None
    servers = [
        (uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)), listening)
        for app, listening in pairs
    ]
    await asyncio.gather(*(server.serve(sockets=[listening]) for server, listening in servers))
    if removal:
        removal.cancel()


async def _remove_old(settings: Settings) -> None:
    while True:
        try:
            await asyncio.to_thread(remove_old_reports, settings)
        except OSError as error:
            logging.getLogger(__name__).warning("could not remove old reports: %s", error)
        await asyncio.sleep(REMOVAL_SECONDS)


def _listening(address: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((address, port), family=family)
    except OSError as error:
        raise BadInput(
            f"could not listen at {address}:{port}: {error.strerror or error}",
            advice="choose other ports with --port and --viewer-port",
        ) from error


def viewer() -> Starlette:
    """Playwright's trace viewer: `/?trace=<signed address of trace.zip>`.

    It shows a trace's pages, which a commit wrote, as documents of its own origin. So nothing else is there: no report, no login.
    """
    found = importlib.util.find_spec("playwright")
    if found is None or found.origin is None:
        raise BadInput("could not serve the trace viewer: playwright is not installed", advice="run bin/bootstrap")
    folder = Path(found.origin).parent / "driver/package/lib/vite/traceViewer"
    return Starlette(routes=[Mount("/", StaticFiles(directory=folder, html=True))])


def _access(settings: Settings) -> Access:
    auth_string, key = settings.reports_auth_string.get_secret_value(), reports_key(settings)
    if ":" not in auth_string:
        raise BadInput(
            "could not serve the reports: AZORA_REPORTS_AUTH_STRING is not set", advice="set it to a user:password"
        )
    if not key:
        raise BadInput(
            "could not serve the reports: AZORA_REPORTS_KEY is not set",
            advice="make a key with `openssl rand -hex 32`; server and workers need the same one",
        )
    origin = origin_of(settings.reports_viewer_url) if settings.reports_viewer_url else ""
    if origin == origin_of(settings.reports_url):
        raise BadInput(
            f"could not serve the reports: AZORA_REPORTS_VIEWER_URL and AZORA_REPORTS_URL are both at {origin}",
            advice="give the trace viewer another host or port: scripts in a trace could read every report",
        )
    return Access(auth_string, key, origin, settings.reports_upload)
