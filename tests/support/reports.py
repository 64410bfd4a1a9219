"""The report server of the settings' application, on a port of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from azora.config.settings import ROOT
from azora.local import health
from tests.support.polling import until


@contextmanager
def report_server() -> Iterator[str]:
    """Its address, for the block."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        "azora.local.report_server:app",
    ]
    process = subprocess.Popen(
        [*command, "--host=127.0.0.1", f"--port={port}", "--log-level=warning"], cwd=ROOT, env=os.environ
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: health.answers(f"{url}/trace-viewer/"), seconds=30, what="the report server")
        yield url
    finally:
        process.terminate()
        process.wait(10)
