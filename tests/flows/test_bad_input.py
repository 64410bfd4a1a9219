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

from azora.gateways.orchestrator import Run, run_called, stages
from azora.world import World
from tests import road
from tests.changes import added, replaced, revision

STACK_VALUES = "deployments/values/azora/staging.yaml"


pytestmark = pytest.mark.usefixtures("released")


@pytest.fixture
def repository() -> Iterator[None]:
    """What a test commits is undone after it."""
    before = road.git("rev-parse", "HEAD")
    yield
    road.undo_to(before)


def ended(run: Run, *, seconds: float = 240) -> Run:
    """The run once it is over, however it ended."""
    return road.wait_for(run, lambda now: now.is_over, seconds=seconds)


def users_of(world: World) -> tuple[object, ...]:
    """Whom users of a world reach."""
    assert world.active_stack is not None
    return world.active, world.active_stack.release, world.active_stack.ready


def must_fail(deployment: str, ref: str, *, at: str, says: tuple[str, ...]) -> Run:
    """Run *deployment* of *ref*: it fails at its step *at*, *says* why once and what to do; users get every answer."""
    before = road.world("staging")
    with road.users("staging", rate=20) as users:
        over = ended(road.begin(deployment, ref=ref))
        seen = users.stop()
    assert_failed(over, at=at, says=says)
    assert users_of(road.world("staging")) == users_of(before)
    assert seen.failed == 0, seen.summary()
    assert road.get("staging").status_code == 200
    return over


def assert_failed(over: Run, *, at: str, says: tuple[str, ...]) -> None:
    assert over.kind == "FAILED"
    assert [name for name, state, _ in stages(over.id) if state in {"Failed", "Crashed"}] == [at]
    message = run_called(over.id).message
    for words in says:
        assert words in message
    assert message.count("  → ") == 1, f"one error says once what to do: {message}"
    assert message.count("could not ") == 1, message
    assert "Traceback" not in message
    lines = [line.strip() for line in message.splitlines()]
    assert len(lines) == len(set(lines)) <= 20, f"a line stands there twice, or it is a page: {message}"


def test_a_ref_that_does_not_exist() -> None:
    must_fail("deploy-staging", "no-such-branch", at="find the commit", says=("'no-such-branch'", "pushed"))


@pytest.mark.usefixtures("repository")
def test_a_key_of_application_yaml_that_is_none() -> None:
    sha = road.commit(replaced("deployments/application.yaml", "\nhealth:", "\nhealht:"))
    must_fail(
        "deploy-staging", sha, at="find the commit", says=("'deployments/application.yaml'", "healht: unknown key")
    )


@pytest.mark.usefixtures("repository")
def test_a_revision_that_says_neither_expand_nor_contract() -> None:
    sha = road.commit(revision("later", 'op.execute("SELECT 1")'))
    must_fail(
        "deploy-staging",
        sha,
        at="find the commit",
        says=("could not read the migrations", "later.py: it says neither expand nor contract", 'phase = "expand"'),
    )


@pytest.mark.usefixtures("repository")
def test_unit_tests_that_fail() -> None:
    bad = "def test_sums() -> None:\n    assert 1 + 1 == 3, 'sums do not add up'\n"
    sha = road.commit({"services/web/tests/test_sums.py": bad})
    must_fail("release", sha, at="test web", says=("the tests of 'web'", "sums do not add up", "test web.log"))


@pytest.mark.usefixtures("repository")
def test_a_dockerfile_that_does_not_build() -> None:
    sha = road.commit(added("services/web/Dockerfile", "USER root\nRUN echo there is no such theme && exit 7"))
    must_fail("deploy-staging", sha, at="build web", says=("image 'web'", "there is no such theme", "build web.log"))


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_key_of_the_values_that_is_none(environment: str) -> None:
    sha = road.commit(added(f"deployments/values/azora/{environment}.yaml", "replica: {web: 2}"))
    must_fail(
        "deploy-staging",
        sha,
        at="render the charts",
        says=("'replica' not allowed", f"with the values of {environment}", "values.schema.json"),
    )


@pytest.mark.usefixtures("repository")
def test_a_chart_that_does_not_render() -> None:
    sha = road.commit(added("deployments/charts/azora/templates/settings.yaml", '{{ include "azora.nowhere" . }}'))
    must_fail("deploy-staging", sha, at="render the charts", says=("settings.yaml", '"azora.nowhere"', "template"))


@pytest.mark.usefixtures("repository")
def test_a_chart_whose_pods_could_not_be_told_apart() -> None:
    sha = road.commit(
        replaced("deployments/charts/azora/templates/_names.tpl", "\nazora.dev/release:", "\nazora.dev/rel:")
    )
    says = ("chart 'deployments/charts/azora'", "Deployment azora-blue-web lack azora.dev/release:", "own-cluster.md")
    must_fail("deploy-staging", sha, at="render the charts", says=says)


@pytest.mark.usefixtures("repository")
def test_the_commit_of_another_application() -> None:
    sha = road.commit(replaced("deployments/application.yaml", "\nname: azora\n", "\nname: guestbook\n"))
    must_fail("deploy-staging", sha, at="find the commit", says=("'guestbook'", "'azora'", "AZORA_APPLICATION"))


@pytest.mark.usefixtures("repository")
def test_an_image_that_does_not_start() -> None:
    sha = road.commit(added("services/edu/app.py", 'raise RuntimeError("LESSONS is not set")'))
    must_fail(
        "deploy-staging",
        sha,
        at="staging: install preview",
        says=("-edu-", "will not come up", "exit code 1", "LESSONS is not set", "users of staging are untouched"),
    )


@pytest.mark.usefixtures("repository")
def test_a_pod_that_never_becomes_ready() -> None:
    services = 'services: {edu: {env: {REDIS_URL: "redis://nowhere:6379/0"}, secretEnv: {REDIS_URL: null}}}'
    sha = road.commit(added(STACK_VALUES, f"progressDeadlineSeconds: 25\n{services}"))
    must_fail(
        "deploy-staging",
        sha,
        at="staging: install preview",
        says=("-edu", "runs but is not ready", "Readiness probe failed", "users of staging are untouched"),
    )


@pytest.mark.usefixtures("repository")
def test_a_migration_that_fails() -> None:
    statement = 'op.execute("ALTER TABLE edu.nothing ADD note text")'
    once = added(STACK_VALUES, "migrations: {backoffLimit: 0}")
    sha = road.commit(once | revision("later", statement, 'phase = "expand"'))
    must_fail(
        "deploy-staging",
        sha,
        at="staging: install preview",
        says=("-migrations-", "exit code 1", "edu.nothing", "does not exist", "users of staging are untouched"),
    )


@pytest.mark.usefixtures("repository")
def test_an_expand_and_its_contract_at_once() -> None:
    files = revision("later", "pass", 'phase = "expand"')
    files |= revision("last", "pass", 'phase = "contract"', 'contracts = "later"', after="later")
    must_fail(
        "deploy-staging",
        road.commit(files),
        at="staging: look",
        says=("migration last would break what serves users", "does not have later", "first release a commit"),
    )


@pytest.mark.usefixtures("repository")
def test_a_case_that_fails_on_the_preview() -> None:
    """The run's page shows what the browser saw, with video and trace a click away."""
    untested = re.sub(r"test: \[.*\]", "test: ['true']", road.content("deployments/application.yaml"))
    files = replaced("tests/e2e/test_auth.py", 'name="My courses"', 'name="My ships"')
    sha = road.commit(files | added(STACK_VALUES, "# ships") | {"deployments/application.yaml": untested})
    over = must_fail(
        "release",
        sha,
        at="staging: end-to-end cases of the preview",
        says=("the preview of staging", "1 failed", "test_registration", "linked on the run's page"),
    )
    page = artifact(over, "staging-preview-e2e")
    pictures = dict(re.findall(r"\[(screenshot|video|trace\.zip|trace)\]\((\S+)\)", page))
    assert f"![What test_auth.py::test_registration[chromium] saw when it failed]({pictures['screenshot']})" in page
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
    with road.prefect() as client:
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
    with road.prefect() as client:
        return int(client.post("/flow_runs/count", json=asked).raise_for_status().json())


@pytest.mark.usefixtures("repository")
def test_an_api_server_that_is_away() -> None:
    sha = road.commit()
    before = road.world("staging")
    address = road.cluster("staging").api.host
    with road.users("staging", rate=20) as users:
        with road.stopped("kube-apiserver"):
            over = ended(road.begin("deploy-staging", ref=sha))
            assert road.get("staging").status_code == 200
        seen = users.stop()
    assert_failed(over, at="staging: look", says=(address, "Connection refused"))
    assert users_of(road.world("staging")) == users_of(before)
    assert seen.failed == 0, seen.summary()
