"""Without an environment: the platform as processes of this machine, for as long as the cases run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from suite_target import Target

_ROOT = Path(__file__).resolve().parent.parent
_PROGRAM = _ROOT / "services/local.py"
_BY_HAND = "http://127.0.0.1:8000"
_SECRET = "for a platform on loopback only"
_SECONDS = 180


def answers_locally() -> tuple[str, str] | None:
    """The platform that somebody started by hand."""
    return (_BY_HAND, _SECRET) if _PROGRAM.is_file() and _answers(_BY_HAND) else None


def start_locally(config: pytest.Config) -> tuple[str, str]:
    """Start one; it ends with the run, or with this process, whatever ends that."""
    if not _PROGRAM.is_file():
        raise pytest.UsageError("could not find the platform: say where it is with --azora-url")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
    command = [*_tied_to_us(), *_interpreter(), str(_PROGRAM), "--port", str(port)]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=log, stderr=log, env=_environment())
    config.add_cleanup(lambda: _stop(process))
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + _SECONDS
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > end:
            log.seek(0)
            said = log.read().decode(errors="replace")[-2000:]
            raise pytest.UsageError(f"could not start the platform on this machine:\n{said}")
        time.sleep(0.1)
    return url, _SECRET


def _answers(url: str) -> bool:
    with suppress(OSError):
        return Target(url).ask("/api/health").status == 200
    return False


def _tied_to_us() -> list[str]:
    program = shutil.which("setpriv")
    return [program, "--pdeathsig", "TERM"] if program else []


def _interpreter() -> list[str]:
    """The services' own, where it was made; else uv makes it."""
    made = _ROOT / "services/.venv/bin/python"
    if made.is_file():
        return [str(made)]
    uv = shutil.which("uv") or next(map(str, Path.home().glob(".cache/azora/uv-*/bin/uv")), None)
    if uv is None:
        raise pytest.UsageError(
            "could not start the platform on this machine: there is no uv; `make bootstrap` brings it"
        )
    return [uv, "run", "--locked", "--project", str(_ROOT / "services"), "python"]


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("VIRTUAL_ENV", "PYTEST_"))}


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
