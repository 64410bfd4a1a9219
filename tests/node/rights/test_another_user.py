"""Another user of the machine, without the auth string: reads nothing, sees nothing, starts nothing."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from azora.config.settings import settings
from azora.local.layout import Layout, layout
from azora.local.supervision import Supervisor
from tests.support import pipeline

NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs")
THEIR_OWN = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def prefect() -> Iterator[httpx.Client]:
    with pipeline.prefect() as client:
        yield client


@pytest.fixture
def here(node: str) -> Layout:
    return layout(node)


def as_another_user(*command: str) -> subprocess.CompletedProcess[str]:
    """Run *command* as `nobody`, with nothing of our environment."""
    return subprocess.run(
        [*NOBODY, *command], cwd="/", env=THEIR_OWN, capture_output=True, text=True, check=False, timeout=30
    )


def status_of(url: str, *arguments: str) -> int:
    """HTTP status of the answer that the other user gets."""
    quiet = ("--silent", "--show-error", "--output", "/dev/null", "--write-out", "%{http_code}")
    done = as_another_user("curl", *quiet, "--max-time", "20", *arguments, url)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


GUESSES = [
    pytest.param([], id="nothing"),
    pytest.param(["--user", "azora:"], id="no password"),
    pytest.param(["--user", "azora:azora"], id="a guess"),
    pytest.param(["--header", "Authorization: Bearer azora"], id="a token"),
]


@pytest.mark.parametrize("given", GUESSES)
def test_start_of_a_run(prefect: httpx.Client, given: list[str]) -> None:
    """Another user who does not know the auth string starts no run."""
    name = f"theirs-{uuid4().hex[:8]}"
    assert start(prefect, name, *given) == httpx.codes.UNAUTHORIZED
    assert called(prefect, name) == []


def test_start_with_the_auth_string(prefect: httpx.Client) -> None:
    """So it is the string, not the request, that was refused above."""
    name = f"ours-{uuid4().hex[:8]}"
    assert start(prefect, name, "--user", os.environ["PREFECT_API_AUTH_STRING"]) == httpx.codes.CREATED
    (run,) = called(prefect, name)
    prefect.delete(f"/flow_runs/{run}").raise_for_status()


@pytest.mark.parametrize("given", GUESSES)
def test_answer_and_list_of_runs(prefect: httpx.Client, given: list[str]) -> None:
    """Another user answers no run and reads none."""
    runs = f"{prefect.base_url}flow_runs"
    body = ("--header", "Content-Type: application/json", "--data", "{}")
    assert status_of(f"{runs}/filter", *body, *given) == httpx.codes.UNAUTHORIZED
    assert status_of(f"{runs}/{uuid4()}/resume", *body, *given) == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize("given", GUESSES)
@pytest.mark.parametrize("path", ["/", "/ui/", "/nothing"])
@pytest.mark.usefixtures("node")
def test_reports(path: str, given: list[str]) -> None:
    """Another user sees no report."""
    assert status_of(f"{settings().reports_url}{path}", *given) == httpx.codes.UNAUTHORIZED


def test_places_of_the_auth_string(here: Layout) -> None:
    """Another user reads it in no file, no environment and no command line."""
    supervisors = here.etc / "supervisord.conf"
    running = {one["name"]: one["pid"] for one in Supervisor(here).processes() if one["pid"]}
    assert {"prefect-server", "prefect-worker", "reports"} <= set(running)
    files = [here.auth, here.environment, supervisors, *(f"/proc/{pid}/environ" for pid in running.values())]
    for file in files:
        done = as_another_user("cat", str(file))
        assert done.returncode != 0, file
        assert "Permission denied" in done.stderr, file
    assert {path.stat().st_mode & 0o077 for path in (here.auth, here.environment, supervisors)} == {0}
    password = here.auth.read_text().partition(":")[2]
    assert [command for command in command_lines() if password in command] == []


def command_lines() -> Iterator[str]:
    """Command lines of every process of the machine: any user can read those."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            yield file.read_bytes().replace(b"\0", b" ").decode(errors="replace")


def start(prefect: httpx.Client, name: str, *given: str) -> int:
    """Have another user ask for a run of `smoke`, due when nobody lives any more; the HTTP status."""
    deployment = prefect.get("/deployments/name/smoke/azora-smoke").raise_for_status().json()["id"]
    due = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2199-01-01T00:00:00Z"}}
    body = json.dumps({"name": name, "parameters": {"environment": "staging"}, "state": due})
    url = f"{prefect.base_url}deployments/{deployment}/create_flow_run"
    return status_of(url, "--header", "Content-Type: application/json", "--data", body, *given)


def called(prefect: httpx.Client, name: str) -> list[str]:
    """Ids of the runs of that name."""
    found = prefect.post("/flow_runs/filter", json={"flow_runs": {"name": {"any_": [name]}}}).raise_for_status().json()
    return [run["id"] for run in found]
