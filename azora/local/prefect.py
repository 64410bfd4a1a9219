"""Prefect on loopback: its database, its server, the worker of our flows, the report server."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import psycopg

from azora.config.settings import ROOT
from azora.core.prefect_names import KEPT, OLD_QUEUE, POOL, queue_of
from azora.errors import Failed
from azora.host.process import clean_environment, logged
from azora.local import health
from azora.local.cache import cache_key
from azora.local.env_file import APPLICATION, auth_string, search_path, variables
from azora.local.layout import Layout
from azora.local.service import NodeService, Stage, words
from azora.local.worker_user import as_worker, worker_variables

DATABASE, OWNER = "prefect", "prefect"
SEEN_BY_POSTGRES = "/var/lib/postgresql"
DEPLOYMENTS = ROOT / "prefect.yaml"


def prefect_services(node: Layout, programs: Path) -> list[NodeService]:
    return [postgres(node), reports(node, programs), server(node), worker(node, programs)]


def postgres(node: Layout) -> NodeService:
    """On a socket that only its own user and root can reach; no port. INT is its fast way to stop.

    Without JIT: it compiled the query for a run's graph, which the page of a run at work asks every few seconds, for 5.7 s each
    time; without it the answer takes less than 30 ms.
    """
    programs = postgres_programs()
    arguments = words(
        "-D",
        f"{SEEN_BY_POSTGRES}/data",
        "-k",
        f"{SEEN_BY_POSTGRES}/run",
        "-c",
        "listen_addresses=",
        "-c",
        "unix_socket_permissions=0700",
        "-c",
        "jit=off",
    )
    command = words(*_as_postgres(node), programs / "postgres", *arguments)
    return NodeService("postgres", Stage.STORAGE, command, lambda: _connects(node), stop_signal="INT", stop_seconds=10)


def reports(node: Layout, programs: Path) -> NodeService:
    command = words(
        sys.executable,
        "-m",
        "azora",
        "reports",
        "--address=127.0.0.1",
        f"--port={node.reports_port}",
        f"--viewer-port={node.viewer_port}",
    )
    return NodeService(
        "reports",
        Stage.STORAGE,
        as_worker(command, node, programs),
        lambda: health.answers(f"{node.reports_url}/", auth_string=auth_string(node)),
        env=worker_variables(node, programs),
        folder=ROOT,
    )


def server(node: Layout) -> NodeService:
    command = words(
        sys.executable, "-m", "prefect", "server", "start", "--host=127.0.0.1", f"--port={node.prefect_port}"
    )
    env = _client(node) | {
        "PREFECT_SERVER_API_AUTH_STRING": auth_string(node),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{OWNER}@/{DATABASE}?host={node.lib / 'postgres/run'}",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,orphans",  # what a removed run left behind, once a day
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }
    return NodeService(
        "prefect-server",
        Stage.API,
        command,
        lambda: health.answers(f"{node.prefect_url}/api/health"),
        env=env,
        stop_seconds=10,
    )


def worker(node: Layout, programs: Path) -> NodeService:
    command = words(
        sys.executable,
        "-m",
        "prefect",
        "worker",
        "start",
        f"--pool={POOL}",
        "--type=process",
        f"--work-queue={queue_of(APPLICATION)}",
        f"--work-queue={OLD_QUEUE}",  # where a run waits that an older version started
        f"--name={node.machine_name}",
    )
    env = _client(node) | worker_variables(node, programs) | {"PREFECT_WORKER_QUERY_SECONDS": "1"}
    return NodeService(
        "prefect-worker",
        Stage.WORK,
        as_worker(command, node, programs),
        lambda: _is_online(node),
        env=env,
        folder=ROOT,
        stop_seconds=10,
    )


def make_database(node: Layout) -> None:
    """An empty PostgreSQL, unless there is one; its files belong to the user postgres."""
    folder = node.lib / "postgres"
    if (folder / "complete").is_file():
        return
    shutil.rmtree(folder, ignore_errors=True)
    for path in (folder, folder / "data", folder / "run"):
        path.mkdir(mode=0o700, parents=True)
        shutil.chown(path, "postgres", "postgres")
    options = ("--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust")
    initdb = words(postgres_programs() / "initdb", "-D", f"{SEEN_BY_POSTGRES}/data", *options)
    logged([*_as_postgres(node), *initdb], node.log / "initdb.log", env=clean_environment())
    (folder / "complete").touch()


def make_owner(node: Layout) -> None:
    """The server's role and database, unless they are there."""
    with _connected(node) as database:
        if not database.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
            database.execute(f"CREATE ROLE {OWNER} LOGIN")
        if not database.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            database.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")


def register_deployments(node: Layout, programs: Path) -> str:
    """Run `azora register` from this checkout, unless all is registered; return which of both.

    While a run of an older version is not over, the next start tries again.
    """
    if not DEPLOYMENTS.is_file():
        return "no prefect.yaml here"
    sources = [
        DEPLOYMENTS,
        *(ROOT / "flows").glob("*.py"),
        *(ROOT / "tasks").glob("*.py"),
        *(ROOT / "azora").glob("*.py"),
        *(ROOT / "azora/gateways/prefect").glob("*.py"),
    ]
    digest = cache_key(sources, str(ROOT), sys.executable)
    mark = node.lib / "deployed"
    if mark.is_file() and mark.read_text() == digest:
        return "as registered before"
    env = clean_environment(**(variables(node, programs) | _client(node) | {"PATH": search_path(programs)}))
    lines: list[str] = []
    command = [sys.executable, "-m", "azora", "register"]
    logged(command, node.log / "deploy.log", cwd=ROOT, env=env, on_line=lines.append)
    if kept := [line for line in lines if line.startswith(KEPT)]:
        return "; ".join(["registered", *kept])
    mark.write_text(digest)
    return "registered"


def postgres_programs() -> Path:
    """Programs of the newest PostgreSQL of the machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        raise Failed("could not find PostgreSQL in /usr/lib/postgresql", advice="run `make up`, which installs it")
    return found[-1]


def _as_postgres(node: Layout) -> list[str]:
    """Its user may not enter the state folder, so it sees its own part of it at a place where it may."""
    enter = f'mount --bind "$0" {SEEN_BY_POSTGRES}; cd /; exec setpriv --reuid=postgres --regid=postgres --clear-groups "$@"'
    return ["unshare", "--mount", "sh", "-euc", enter, str(node.lib / "postgres")]


def _client(node: Layout) -> dict[str, str]:
    return {
        "PREFECT_API_URL": f"{node.prefect_url}/api",
        "PREFECT_API_AUTH_STRING": auth_string(node),
        "PREFECT_HOME": str(node.lib / "prefect"),
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    }


def _connected(node: Layout) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=str(node.lib / "postgres/run"), user="postgres", dbname="postgres", autocommit=True, connect_timeout=2
    )


def _connects(node: Layout) -> bool:
    try:
        with _connected(node):
            return True
    except psycopg.OperationalError:
        return False


def _is_online(node: Layout) -> bool:
    url = f"{node.prefect_url}/api/work_pools/{POOL}/workers/filter"
    workers = health.posted(url, {}, auth_string=auth_string(node)) or []
    return any(one["name"] == node.machine_name and one["status"] == "ONLINE" for one in workers)
