"""Servers of `azora reports` in one process: reports and trace viewer, each on its own port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping

import uvicorn
from starlette.types import ASGIApp

from azora.config.reports_key import reports_key
from azora.config.settings import Settings
from azora.errors import BadInput
from azora.operations.reports.report_server import Access, report_server
from azora.operations.reports.viewer import origin_of, viewer


def applications(settings: Settings, port: int, viewer_port: int) -> dict[int, ASGIApp]:
    """Applications by port; without `reports_viewer_url` there is no viewer.

    Raises:
        BadInput: a secret is missing, or the viewer would share the origin of the reports.
    """
    found: dict[int, ASGIApp] = {port: report_server(settings.runs_folder, _access(settings))}
    return found | ({viewer_port: viewer()} if settings.reports_viewer_url else {})


def serve(applications: Mapping[int, ASGIApp], address: str) -> None:
    """Answer at *address* until the process ends."""
    sockets = {port: _listening(address, port) for port in applications}
    asyncio.run(_serve([(applications[port], sockets[port]) for port in applications]))


async def _serve(pairs: list[tuple[ASGIApp, socket.socket]]) -> None:
    servers = [
        (uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)), listening)
        for app, listening in pairs
    ]
    await asyncio.gather(*(server.serve(sockets=[listening]) for server, listening in servers))


def _listening(address: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((address, port), family=family)
    except OSError as error:
        raise BadInput(
            f"could not listen at {address}:{port}: {error.strerror or error}",
            advice="choose other ports with --port and --viewer-port",
        ) from error


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
    return Access(auth_string, key, origin)
