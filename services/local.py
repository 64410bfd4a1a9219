"""The whole platform as processes on loopback, with a throw-away PostgreSQL, Redis and localstripe.

    uv run --project services python services/local.py [--port 8000]

Needs Debian's postgresql and redis-server to be installed; none of their own servers has to run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import httpx

SERVICES = Path(__file__).resolve().parent
PYTHON = sys.executable  # who runs the platform from another environment than its own says so
TRIALS_TOKEN = "for a platform on loopback only"  # noqa: S105 - as it says
LOCALSTRIPE = SERVICES.parent / "deployments/images/localstripe/serve.py"


class NotInstalled(RuntimeError):
    """A program that is needed is not on this machine."""


def _program(name: str, package: str) -> str:
    places = [*os.environ.get("PATH", "").split(":"), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]
    found = shutil.which(name, path=":".join(places))
    if found is None:
        raise NotInstalled(f"could not find {name!r}: install Debian's package {package}")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(**more: str) -> dict[str, str]:
    """Ours and *more*; compiled modules are kept, or every start would take seconds."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"} | more


@contextmanager
def running(
    command: list[str], *, log: Path, folder: Path = SERVICES, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """*command* in *folder* with *more* in its environment for as long as the block lasts."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=folder, env=_environment(**more), stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(what: str, answers: object, seconds: float = 60) -> None:
    """Return when *answers()* is true.

    Raises:
        TimeoutError: it was not for *seconds*.
    """
    assert callable(answers)
    end = time.monotonic() + seconds
    while not answers():
        if time.monotonic() > end:
            raise TimeoutError(f"could not reach {what} within {seconds:g} s")
        time.sleep(0.05)


@contextmanager
def postgresql() -> Iterator[str]:
    """An empty PostgreSQL that listens on a socket file only; yields its URL. It promises no durability."""
    as_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="azora-postgresql-") as name:
        folder = Path(name)
        data = folder / "data"
        if as_root:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
        unprivileged = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if as_root else []
        initdb, server = _program("initdb", "postgresql"), _program("postgres", "postgresql")
        subprocess.run(
            [*unprivileged, initdb, "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C", "-A", "trust", "-U",
             "azora", "-D", str(data)],
            check=True, cwd="/", stdout=subprocess.DEVNULL,
        )  # fmt: skip
        settings = {"listen_addresses": "", "unix_socket_directories": name, "fsync": "off", "full_page_writes": "off",
                    "shared_buffers": "16MB", "max_connections": "60"}  # fmt: skip
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        log = folder / "log"
        with log.open("ab") as output:
            process = subprocess.Popen([*unprivileged, server, "-D", str(data), *options], cwd="/", stderr=output)
        try:
            ready = [_program("pg_isready", "postgresql"), "-q", "-h", name]
            wait_until("PostgreSQL", lambda: subprocess.run(ready, check=False).returncode == 0)
            yield f"postgresql+psycopg://azora@/postgres?host={name}"
        finally:
            process.send_signal(signal.SIGINT)  # its fast shutdown
            process.wait(20)


def localstripe(port: int, log: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return running([PYTHON, str(LOCALSTRIPE)], log=log, LISTEN_HOST="127.0.0.1", PORT=str(port))


def migrate(database_url: str) -> None:
    subprocess.run(
        [PYTHON, "-m", "migrations"], cwd=SERVICES, check=True, stdout=subprocess.DEVNULL,
        env=_environment(DATABASE_URL=database_url),
    )  # fmt: skip


class Processes:
    """The five services as processes that have each other's addresses.

    Each can be replaced by another build of it.
    """

    def __init__(self, logs: Path, port: int, settings: Mapping[str, str]) -> None:
        ports = {"web": port} | {name: free_port() for name in ("api", "auth", "edu", "pay")}
        self._addresses = {name: f"http://127.0.0.1:{number}" for name, number in ports.items()}
        self._settings = {f"{name.upper()}_URL": address for name, address in self._addresses.items()} | dict(settings)
        self._logs = logs
        self.database_url = settings["DATABASE_URL"]
        self._running: dict[str, ExitStack] = {}
        self.address = self._addresses["web"]

    def start(self, name: str, folder: Path = SERVICES) -> None:
        """Run the service *name* from *folder*, instead of the one that runs."""
        if before := self._running.pop(name, None):
            before.close()
        own = {**self._settings, "PORT": self._addresses[name].rpartition(":")[2]}
        command = [PYTHON, "-m", "common.serve", name]
        stack = self._running.setdefault(name, ExitStack())
        stack.enter_context(running(command, log=self._logs / f"{name}.log", folder=folder, **own))

    def start_all(self) -> None:
        for name in self._addresses:
            self.start(name)

    def wait(self, name: str, path: str) -> None:
        """Return when the service *name* answers on *path*."""
        wait_until(name, lambda: _answers(f"{self._addresses[name]}{path}"), seconds=120)

    def stop_all(self) -> None:
        for stack in self._running.values():
            stack.close()


@contextmanager
def platform(logs: Path, port: int, environment: Mapping[str, str]) -> Iterator[Processes]:
    """The platform, answering."""
    with ExitStack() as stack:
        database_url = stack.enter_context(postgresql())
        migrate(database_url)
        redis_port, stripe_port = free_port(), free_port()
        redis = [_program("redis-server", "redis-server"), "--bind", "127.0.0.1", "--port", str(redis_port),
                 "--save", "", "--dir", str(logs)]  # fmt: skip
        stack.enter_context(running(redis, log=logs / "redis.log"))
        stack.enter_context(localstripe(stripe_port, logs / "localstripe.log"))
        settings = {
            "DATABASE_URL": database_url,
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}",
            "STRIPE_API_KEY": "sk_test_local",
            "TRIALS_TOKEN": TRIALS_TOKEN,
            "LISTEN_HOST": "127.0.0.1",
            "DRAIN_SECONDS": "0",
            "SHUTDOWN_SECONDS": "2",
            **environment,
        }
        processes = Processes(logs, port, settings)
        stack.callback(processes.stop_all)
        processes.start_all()
        processes.wait("api", "/api/health")  # it asks those behind it
        processes.wait("web", "/healthz")
        yield processes


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the platform on loopback until interrupted.")
    parser.add_argument("--port", type=int, default=8000, help="TCP port of the pages")
    parser.add_argument("--color", default="blue")
    parser.add_argument("--release", default="local")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    identity = {"AZORA_COLOR": chosen.color, "AZORA_RELEASE": chosen.release}
    with tempfile.TemporaryDirectory(prefix="azora-local-") as logs:
        try:
            with platform(Path(logs), chosen.port, identity) as processes:
                print(f"The platform answers at {processes.address} (logs in {logs}); Ctrl-C ends it.", flush=True)
                signal.pause()
        except KeyboardInterrupt:
            print("Stopped.")


if __name__ == "__main__":
    main()
