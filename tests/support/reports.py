"""The report server of the settings, on ports of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from azora.config.settings import ROOT
from azora.local import health
from tests.support.polling import until

KEY = "k" * 32


@dataclass(frozen=True)
class Addresses:
    reports: str
    viewer: str


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def report_server() -> Iterator[Addresses]:
    """Its addresses, for the block."""
    port, viewer_port = free_port(), free_port()
    url, viewer_url = (f"http://127.0.0.1:{one}" for one in (port, viewer_port))
    command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "azora", "reports"]
    process = subprocess.Popen(
        [*command, f"--port={port}", f"--viewer-port={viewer_port}"],
        cwd=ROOT,
        env={"AZORA_REPORTS_KEY": KEY}
        | os.environ
        | {"AZORA_REPORTS_URL": url, "AZORA_REPORTS_VIEWER_URL": viewer_url},
        stdout=subprocess.DEVNULL,
    )
    try:
        until(lambda: health.answers(f"{viewer_url}/"), seconds=90, what="the report server")
        yield Addresses(url, viewer_url)
    finally:
        process.terminate()
        process.wait(10)
