"""What cannot be right ends its run at the step that met it, with one clear error; users and later runs do not notice.

The good run after all of it, with no hand work between, is the night's: test_nightly.py.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from azora.gateways.prefect.runs import Run
from tests.support import pipeline
from tests.support.changes import added, replaced, revision
from tests.support.failing import assert_failed, untested, users_of_staging_notice_nothing

STACK_VALUES = "deployments/values/azora/staging.yaml"


pytestmark = pytest.mark.usefixtures("released")


@pytest.fixture
def repository() -> Iterator[None]:
    """What a test commits is undone after it."""
    before = pipeline.git("rev-parse", "HEAD")
    yield
    pipeline.undo_to(before)


def must_fail(deployment: str, ref: str, *, at: str, says: tuple[str, ...]) -> Run:
    """Run *deployment* of *ref*: it fails at its step *at*, *says* why once and what to do; users get every answer."""
    with users_of_staging_notice_nothing():
        over = pipeline.until_over(pipeline.begin(deployment, ref=ref))
    assert_failed(over, at=at, says=says)
    return over


@pytest.mark.usefixtures("repository")
def test_an_image_that_does_not_start() -> None:
    sha = pipeline.commit(added("services/edu/app.py", 'raise RuntimeError("LESSONS is not set")'))
    must_fail(
        "deploy-staging",
        sha,
        at="staging: install preview",
        says=("-edu-", "cannot start", "exit code 1", "LESSONS is not set", "users of staging are not affected"),
    )


@pytest.mark.usefixtures("repository")
def test_a_pod_that_never_becomes_ready() -> None:
    services = 'services: {edu: {env: {REDIS_URL: "redis://nowhere:6379/0"}, secretEnv: {REDIS_URL: null}}}'
    sha = pipeline.commit(added(STACK_VALUES, f"progressDeadlineSeconds: 25\n{services}"))
    must_fail(
        "deploy-staging",
        sha,
        at="staging: install preview",
        says=("-edu", "runs but is not ready", "Readiness probe failed", "users of staging are not affected"),
    )


@pytest.mark.usefixtures("repository")
def test_a_migration_that_fails() -> None:
    statement = 'op.execute("ALTER TABLE edu.nothing ADD note text")'
    once = added(STACK_VALUES, "migrations: {backoffLimit: 0}")
    sha = pipeline.commit(once | revision("later", statement, 'phase = "expand"'))
    must_fail(
        "deploy-staging",
        sha,
        at="staging: install preview",
        says=("-migrations-", "exit code 1", "edu.nothing", "does not exist", "users of staging are not affected"),
    )


@pytest.mark.usefixtures("repository")
def test_an_expand_and_its_contract_at_once() -> None:
    files = revision("later", "pass", 'phase = "expand"')
    files |= revision("last", "pass", 'phase = "contract"', 'contracts = "later"', after="later")
    must_fail(
        "deploy-staging",
        pipeline.commit(files),
        at="staging: inspect",
        says=("migration last would break the active release", "does not have later", "first release a commit"),
    )


@pytest.mark.usefixtures("repository")
def test_a_case_that_fails_on_the_preview() -> None:
    """The run's page shows what the browser saw, with video and trace a click away."""
    ships = replaced("tests/e2e/test_auth.py", 'name="My courses"', 'name="My ships"')
    sha = pipeline.commit(ships | added(STACK_VALUES, "# ships") | untested())
    over = must_fail(
        "release",
        sha,
        at="staging: end-to-end cases of the preview",
        says=("the preview of staging", "1 failed", "test_registration", "the run's page links the report"),
    )
    page = artifact(over, "staging-preview-e2e")
    pictures = dict(re.findall(r"\[(screenshot|video|trace\.zip|trace)\]\((\S+)\)", page))
    assert (
        f"![Screenshot of `test_auth.py::test_registration[chromium]` at its failure]({pictures['screenshot']})" in page
    )
    kinds = {name: httpx.get(url).raise_for_status().headers["content-type"] for name, url in pictures.items()}
    assert kinds == {
        "screenshot": "image/png",
        "video": "video/webm",
        "trace.zip": "application/zip",
        "trace": "text/html; charset=utf-8",
    }
    unsigned = pictures["screenshot"].partition("?")[0]
    assert httpx.get(unsigned).status_code == httpx.codes.UNAUTHORIZED


def artifact(run: Run, key: str) -> str:
    """The markdown that *run* left under *key*."""
    asked = {"artifacts": {"flow_run_id": {"any_": [run.id]}, "key": {"any_": [key]}}}
    with pipeline.prefect() as client:
        (found,) = client.post("/artifacts/filter", json=asked).raise_for_status().json()
    return str(found["data"])


@pytest.mark.parametrize("given", [pytest.param("azora:wrong", id="wrong"), pytest.param("", id="none")])
def test_a_wrong_auth_string_of_prefect(given: str) -> None:
    before = runs_begun()
    command = [str(Path(sys.executable).parent / "azora"), "release", "main"]
    env = {**os.environ, "PREFECT_API_AUTH_STRING": given}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 3, done.stderr
    first, second = done.stderr.strip().splitlines()
    assert first.startswith("✗ could not ")
    assert f"Prefect at {os.environ['PREFECT_API_URL']} " in first
    assert second.startswith("  → set PREFECT_API_AUTH_STRING to its user:password")
    assert "azora local password" in second
    assert runs_begun() == before


def runs_begun() -> int:
    """How many runs Prefect knows, without those that wait for their hour."""
    asked = {"flow_runs": {"state": {"name": {"not_any_": ["Scheduled"]}}}}
    with pipeline.prefect() as client:
        return int(client.post("/flow_runs/count", json=asked).raise_for_status().json())


@pytest.mark.usefixtures("repository")
def test_an_api_server_that_is_away() -> None:
    sha = pipeline.commit()
    address = pipeline.cluster("staging").namespace.api.host
    with users_of_staging_notice_nothing(), pipeline.stopped("kube-apiserver"):
        over = pipeline.until_over(pipeline.begin("deploy-staging", ref=sha))
        assert pipeline.get("staging").status_code == 200
    assert_failed(over, at="staging: inspect", says=(address, "Connection refused"))
