"""A real Prefect server and worker: job variables run no command, change no variable and no folder."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import PREFECT_API_URL
from prefect.workers.process import ProcessWorker

from azora.core.prefect_names import POOL, tag_of
from azora.core.registered import Pool
from azora.errors import Refused
from azora.gateways.prefect.work_pool import close_pool, pool_seen
from azora.host.child_environment import child_environment
from tests.support.prefect_server import prefect_server

QUEUE = "shop"
FLOW = """
import json, os, sys
from pathlib import Path
from prefect import flow

@flow
def look() -> None:
    seen = {"python": sys.executable, "own session": os.getsid(0) == os.getpid(), "variable": os.environ.get("EVIL")}
    Path(__file__).with_name("seen.json").write_text(json.dumps(seen))
"""
OLDER = {"command": "setsid /srv/shop/.venv/bin/python -m prefect.engine"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncPrefectClient]:
    with prefect_server(tmp_path_factory.mktemp("prefect")), get_client(sync_client=True) as client:
        yield client


@pytest.fixture(autouse=True)
def no_pool(client: SyncPrefectClient) -> Iterator[None]:
    """Every test begins without a pool, a deployment and a run."""
    yield
    for one in client.read_deployments():
        client.delete_deployment(one.id)
    client.delete_work_pool(POOL)


def open_pool(client: SyncPrefectClient) -> None:
    """The pool as a worker makes it where there is none."""
    template = ProcessWorker.get_default_base_job_template()
    client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))


def deployed(client: SyncPrefectClient, folder: Path, name: str = "shop-look", **more: Any) -> UUID:
    (folder / "look.py").write_text(FLOW)
    steps = [{"prefect.deployments.steps.set_working_directory": {"directory": str(folder)}}]
    flow = client.create_flow_from_name("look")
    named = {"work_pool_name": POOL, "work_queue_name": QUEUE, "entrypoint": "look.py:look", "pull_steps": steps}
    return client.create_deployment(flow, name, **(named | more))


def evil(folder: Path) -> dict[str, Any]:
    """Job variables of an attacker."""
    return {"command": f"touch {folder}/touched", "env": {"EVIL": "1"}, "working_dir": str(folder)}


def work_once() -> None:
    """Run all that waits in the queue, by a worker as docs/own-cluster.md starts it."""
    program = Path(sys.executable).with_name("prefect")
    command = [program, "worker", "start", "--pool", POOL, "--work-queue", QUEUE, "--run-once"]
    env = child_environment("PREFECT_*", PREFECT_API_URL=str(PREFECT_API_URL.value()))
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=120)


@pytest.mark.attack("job variables of a run or deployment, with Prefect's password", by="the work pool")
@pytest.mark.parametrize(
    ("request_line", "body", "status"),
    [
        pytest.param("POST /deployments/{deployment}/create_flow_run", {}, 422, id="run"),
        pytest.param("PATCH /flow_runs/{run}", {}, 422, id="run that waits"),
        pytest.param(
            "POST /deployments/", {"name": "x", "flow_id": "{flow}", "work_pool_name": POOL}, 422, id="deployment"
        ),
        pytest.param("PATCH /deployments/{deployment}", {"work_pool_name": POOL}, 409, id="deployment that is there"),
    ],
)
def test_job_variables(
    client: SyncPrefectClient, tmp_path: Path, request_line: str, body: dict[str, str], status: int
) -> None:
    """Prefect's API refuses them, of a run and of a deployment, new or there already."""
    assert "".join(close_pool(QUEUE)) == f"created the work pool {POOL}"
    deployment = deployed(client, tmp_path)
    run = client.create_flow_run_from_deployment(deployment)
    ids = {"deployment": str(deployment), "run": str(run.id), "flow": str(run.flow_id)}
    for name, value in evil(tmp_path).items():
        sent = {key: text.format(**ids) for key, text in body.items()} | {"job_variables": {name: value}}
        with httpx.Client(base_url=str(client.api_url)) as api:
            answer = api.request(*request_line.format(**ids).split(), json=sent)
        assert answer.status_code == status, answer.text
    assert client.read_deployment(deployment).job_variables == {}


def test_job_variables_without_a_pool(client: SyncPrefectClient, tmp_path: Path) -> None:
    """The one request that Prefect does not check stores them, and from then on that deployment starts nothing."""
    list(close_pool(QUEUE))
    deployment = deployed(client, tmp_path)
    with httpx.Client(base_url=str(client.api_url)) as api:
        path = f"/deployments/{deployment}"
        assert api.patch(path, json={"job_variables": evil(tmp_path)}).status_code == 204
        assert api.post(f"{path}/create_flow_run", json={}).status_code == 422


@pytest.mark.attack("job variables that were stored before", by="the work pool")
def test_stored_job_variables(client: SyncPrefectClient, tmp_path: Path) -> None:
    """Runs with job variables of before end well, by the pool's command: the worker's own Python, in a session of its own."""
    open_pool(client)
    runs = {}
    for name, stored in (("older", OLDER), ("evil", evil(tmp_path))):
        (tmp_path / name).mkdir()
        deployment = deployed(client, tmp_path / name, name, job_variables=stored, tags=[tag_of(QUEUE)])
        runs[name] = client.create_flow_run_from_deployment(deployment, job_variables=stored).id
    assert pool_seen() is Pool.OPEN
    assert [*close_pool(QUEUE)] == [f"work pool {POOL} accepts no job variables from now on"]
    work_once()
    assert {client.read_flow_run(run).state_name for run in runs.values()} == {"Completed"}
    for name in runs:
        seen = json.loads((tmp_path / name / "seen.json").read_text())
        assert seen == {"python": sys.executable, "own session": True, "variable": None}
    assert not (tmp_path / "touched").exists()
    assert [*close_pool(QUEUE)] == [f"work pool {POOL} accepts no job variables already"]


@pytest.mark.parametrize(
    ("pool", "job_variables", "said"),
    [
        pytest.param("docker", {}, "its type is 'docker', not 'process'; it is unchanged", id="type"),
        pytest.param("process", {"env": {"TZ": "UTC"}}, "these deployments have some: theirs", id="job variables"),
    ],
)
def test_pool_of_others(
    client: SyncPrefectClient, tmp_path: Path, pool: str, job_variables: dict[str, Any], said: str
) -> None:
    """A pool of another type, or one whose deployments need job variables, is refused and left alone."""
    template = ProcessWorker.get_default_base_job_template()
    client.create_work_pool(WorkPoolCreate(name=POOL, type=pool, base_job_template=template))
    deployed(client, tmp_path, "theirs", job_variables=job_variables)
    with pytest.raises(Refused, match=said):
        list(close_pool(QUEUE))
    assert client.read_work_pool(POOL).base_job_template == template


def test_older_version_of_another_application(client: SyncPrefectClient, tmp_path: Path) -> None:
    """Its deployments are not changed, and are named: they wait for its own registration."""
    open_pool(client)
    other = deployed(client, tmp_path, "blog-release", job_variables=OLDER, tags=[tag_of("blog")])
    assert [*close_pool(QUEUE)][-1].endswith("until their application is updated: blog-release")
    assert client.read_deployment(other).job_variables == OLDER
