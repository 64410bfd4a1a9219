"""Run one service: `python -m common.serve NAME`. A stopping process drains before it goes."""

from __future__ import annotations

import asyncio
import importlib
import logging
import signal
import sys
from contextvars import Context
from types import FrameType

import uvicorn

from common import logs
from common.envelope import Envelope
from common.settings import ServiceSettings

log = logging.getLogger(__name__)

# Longer than a proxy keeps an idle connection (skipper: 20 s, nginx: 60 s), so that the proxy is the one to close it
# and never sends a request into a connection that is closing.
KEEP_ALIVE_SECONDS = 75


class DrainingServer(uvicorn.Server):
    """uvicorn that goes on serving for a while after SIGTERM.

    Kubernetes takes a stopping pod out of its Services while it sends SIGTERM, not before: requests still arrive for
    a moment. So: readiness says no, requests are answered with `Connection: close`, then uvicorn's own shutdown
    finishes what runs. A second signal ends the draining at once.
    """

    def __init__(self, config: uvicorn.Config, service: Envelope, drain_seconds: float) -> None:
        super().__init__(config)
        self._lifecycle = service.lifecycle
        self._drain_seconds = drain_seconds
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, *args: object, **kwargs: object) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(*args, **kwargs)  # type: ignore[arg-type]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._loop is None or self._lifecycle.draining or sig != signal.SIGTERM:
            super().handle_exit(sig, frame)
            return
        self._lifecycle.draining = True
        Context().run(log.info, "draining for %g s", self._drain_seconds)  # a signal comes in the midst of a request
        finish = super().handle_exit
        self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_seconds, finish, sig, frame)


def main(name: str) -> None:
    """Serve the service *name* until a signal ends it."""
    settings = ServiceSettings()
    logs.configure(name, settings)
    try:
        service: Envelope = importlib.import_module(f"{name}.app").create()
    except Exception as error:
        log.critical("the service did not start: %s", " ".join(str(error).split()), exc_info=True)
        sys.exit(1)
    config = uvicorn.Config(
        service,
        host=settings.listen_host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        backlog=2048,
        limit_concurrency=settings.max_connections,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    DrainingServer(config, service, settings.drain_seconds).run()


if __name__ == "__main__":
    main(sys.argv[1])
