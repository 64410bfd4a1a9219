"""A real Prefect server on loopback with a database of its own, for tests that need no node.

A start costs some six seconds of processor.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from azora.host.process import clean_environment
from azora.local import health
from tests.support.polling import until

START_SECONDS = 120


def server_program(folder: Path) -> tuple[list[str], dict[str, str], str]:
    """Server with its data in *folder*, on a free port: its command, environment and API address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = clean_environment(
        HOME=str(folder),
        HTTPS_PROXY="http://127.0.0.1:9",  # nobody: its catalogue of work pools is asked of GitHub, and there is a copy
        PREFECT_HOME=str(folder / "prefect-server"),
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
    )
    command = [sys.executable, "-m", "prefect", "server", "start", "--host=127.0.0.1", f"--port={port}"]
    return command, env, f"http://127.0.0.1:{port}/api"


@contextmanager
def prefect_server(folder: Path) -> Iterator[str]:
    """Run a Prefect server for the block, and yield the address of its API.

    Prefect's settings and the programs that are started use that address.
    """
    command, env, url = server_program(folder)
    log = folder / "prefect-server.log"
    with log.open("w") as file, subprocess.Popen(command, env=env, stdout=file, stderr=file) as process:
        try:
            until(
                lambda: health.answers(f"{url}/health"),
                seconds=START_SECONDS,
                what=f"Prefect's server; see {log}",
                every=1,
            )
            with temporary_settings({PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: None}), _named(url):
                yield url
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def _named(url: str) -> Iterator[None]:
    before = {name: os.environ.pop(name, None) for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")}
    os.environ["PREFECT_API_URL"] = url
    yield
    del os.environ["PREFECT_API_URL"]
    os.environ.update({name: value for name, value in before.items() if value is not None})
