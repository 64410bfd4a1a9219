"""HTTP server of the exporter: /metrics, and /targets for Prometheus without access to Kubernetes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from azora.config.environment import environments, load_environment
from azora.config.json_object import Json
from azora.config.settings import Settings
from azora.core.scrape_targets import targets
from azora.errors import AzoraError
from azora.gateways.kubernetes.cluster import connect
from azora.operations.metrics.exporter import Exporter

Targets = Callable[[], list[Json]]


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own signature
        """A line for each scrape would bury all else."""


def application(exporter: Exporter, find_targets: Targets) -> WSGIApplication:
    """Application of both addresses; unknown targets are a 503: Prometheus keeps those that it has."""
    registry = CollectorRegistry()
    registry.register(exporter)
    metrics: WSGIApplication = make_wsgi_app(registry)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/targets":
            return metrics(environ, start_response)
        try:
            status, kind, body = "200 OK", "application/json", json.dumps(find_targets())
        except AzoraError as error:
            status, kind, body = "503 Service Unavailable", "text/plain; charset=utf-8", error.message
        start_response(status, [("Content-Type", kind)])
        return [body.encode()]

    return app


def targets_of(settings: Settings) -> Targets:
    """Targets of every environment that has a file."""

    def find() -> list[Json]:
        found: list[Json] = []
        for name in environments(settings.environments):
            found += targets(name, connect(load_environment(name, settings.environments), settings).pods())
        return found

    return find


def serve(app: WSGIApplication, address: str, port: int) -> None:
    """Answer at http://*address*:*port* until the process ends."""
    with make_server(address, port, app, ThreadingWSGIServer, _Silent) as server, suppress(KeyboardInterrupt):
        server.serve_forever()
