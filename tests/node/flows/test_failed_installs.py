"""Releases that cannot serve users: the run ends at the step that met it, with one clear error.

Users and later runs do not notice.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import yaml

from azora.config.settings import settings
from azora.core.cluster.state import Stack, World
from azora.core.record.entry import readable
from azora.errors import Refused
from azora.gateways.prefect.runs import Run, pages
from tests.support import pipeline
from tests.support.changes import replaced
from tests.support.failing import APPLICATION, assert_failed, untested, users_of_staging_notice_nothing
from tests.support.guestbook import PODS, Guestbook
from tests.support.polling import until
from tests.support.reports import report_server

PICTURES = re.compile(r"\[(screenshot|video|trace\.zip|trace)\]\((\S+)\)")
CASE = '''"""A case that looks for what is not there."""

from playwright.sync_api import expect


def test_ships(page, pytestconfig):
    page.goto(pytestconfig.option.azora_url)
    expect(page.get_by_text("My ships")).to_be_visible(timeout=500)
'''
CONFTEST = '''"""The browser of this machine."""

import pytest


def pytest_addoption(parser):
    for name in ("--azora-url", "--azora-connect", "--azora-expect-release", "--azora-expect-color"):
        parser.addoption(name, default=None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {**browser_type_launch_args, "executable_path": "/usr/bin/chromium-headless-shell", "args": ["--no-sandbox"]}
'''


@pytest.fixture(autouse=True)
def repository(served_book: Guestbook) -> Iterator[None]:  # noqa: ARG001 - both environments serve users
    """The repository; a commit of a test is undone after it."""
    with pipeline.undone():
        yield


def must_fail(deployment: str, ref: str, *, at: str, says: tuple[str, ...]) -> Run:
    """Run *deployment* of *ref*, which fails at its step *at*; users get every answer.

    The error has *says* once, and what to do.
    """
    with users_of_staging_notice_nothing():
        over = pipeline.until_over(pipeline.begin(deployment, ref=ref))
    assert_failed(over, at=at, says=says)
    return over


def test_image_that_does_not_start() -> None:
    """The error names the pod, its exit code and its last line; users stay where they are."""
    sha = pipeline.commit(
        untested()
        | replaced("src/store/app.py", "\nENTRIES =", '\nraise RuntimeError("ENTRIES is not set")\nENTRIES =')
    )
    must_fail(
        "deploy-staging",
        sha,
        at="staging: install preview",
        says=("-store-", "cannot start", "exit code 1", "ENTRIES is not set", "users of staging are not affected"),
    )


def test_pod_that_never_becomes_ready() -> None:
    """The error names the pod and what its probe met."""
    pods = replaced(str(PODS), "path: /ping", "path: /nothing")
    pods[str(PODS)] = pods[str(PODS)].replace("progressDeadlineSeconds: 120", "progressDeadlineSeconds: 15")
    must_fail(
        "deploy-staging",
        pipeline.commit(untested() | pods),
        at="staging: install preview",
        says=("runs but is not ready", "Readiness probe failed", "users of staging are not affected"),
    )


def test_case_that_fails_on_the_preview() -> None:
    """The run's page shows what the browser saw, with video and trace a click away, for who was given the page."""
    files = untested()
    files[APPLICATION] = files[APPLICATION].replace("smoke: smoke", "smoke: smoke\n  e2e: e2e")
    with report_server() as here:
        addresses = {settings().reports_url: here.reports, settings().reports_viewer_url: here.viewer}
        sha = pipeline.commit(files | {"e2e/test_ships.py": CASE, "e2e/conftest.py": CONFTEST})
        over = must_fail(
            "release",
            sha,
            at="staging: end-to-end cases of the preview",
            says=("the preview of staging", "1 failed", "test_ships", "the run's page links the report"),
        )
        (page,) = [found.text for found in pages(over.id) if found.key == "staging-preview-e2e"]
        pictures = {name: _moved(place, addresses) for name, place in PICTURES.findall(page)}
        kinds = {name: httpx.get(place).raise_for_status().headers["content-type"] for name, place in pictures.items()}
        assert "Screenshot of `test_ships.py::test_ships[chromium]` at its failure" in page
        assert kinds == {
            "screenshot": "image/png",
            "video": "video/webm",
            "trace.zip": "application/zip",
            "trace": "text/html; charset=utf-8",
        }
        unsigned = pictures["screenshot"].partition("?")[0]
        assert httpx.get(unsigned).status_code == httpx.codes.UNAUTHORIZED


def _moved(link: str, addresses: dict[str, str]) -> str:
    """The link with each address of the settings, also a quoted one, replaced."""
    for old, new in addresses.items():
        link = link.replace(old, new).replace(quote(old, safe=""), quote(new, safe=""))
    return link


def test_api_server_that_is_away() -> None:
    """The error names its address; users are served all the same."""
    commit = pipeline.commit(untested())
    with users_of_staging_notice_nothing(), api_server_away():
        over = pipeline.until_over(pipeline.begin("deploy-staging", ref=commit))
        assert pipeline.get("staging").status_code == 200
    assert_failed(over, at="look up built images", says=("127.0.0.1:9", "Connection refused"))


@contextmanager
def api_server_away() -> Iterator[None]:
    """For the pipeline's own account of staging; `make slow` stops the real one."""
    folder = settings().identities
    assert folder
    file = folder / "staging.kubeconfig"
    before = file.read_text()
    file.write_text(re.sub(r"server: \S+", "server: https://127.0.0.1:9", before))
    try:
        yield
    finally:
        file.write_text(before)


@pytest.mark.parametrize("given", [pytest.param("azora:wrong", id="wrong"), pytest.param("", id="none")])
def test_wrong_auth_string_of_prefect(given: str) -> None:
    """The command ends with 3, says where Prefect is and what to set, and no run begins."""
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
    """Runs of the application that Prefect knows."""
    mine = {"flow_runs": {"tags": {"all_": [f"application:{settings().application}"]}}}
    with pipeline.prefect() as client:
        return int(client.post("/flow_runs/count", json=mine).raise_for_status().json())


def test_preview_that_nobody_promotes() -> None:
    """The newer of two waiting runs goes on, also a Retry; after its rejection the preview is removed."""
    before = pipeline.world("production")
    sha = pipeline.commit(untested() | {"NOTES.md": "Nobody wants this\n"})
    with production_asks_after_the_preview():
        older = pipeline.until_it_waits(pipeline.begin("release", ref=sha))
        newer = pipeline.until_it_waits(pipeline.begin("release", ref=sha))
        assert_superseded(older, by=newer)
        pipeline.retry(older)
        pipeline.until_it_waits(older)
        assert_superseded(newer, by=older)
        assert pipeline.world("production").stack(before.preview).is_ready
        pipeline.reject(older)
        assert pipeline.until_over(older).state == "Rejected"
        until(lambda: "production-preview-removed" in keys(older), seconds=30, what="the preview is removed")
    now = pipeline.world("production")
    assert (preview_of(before).helm, preview_of(before).wanted, now.questions) == (None, {}, ())
    assert (now.active_stack, now.switches) == (before.active_stack, before.switches)
    assert pipeline.get("production").status_code == 200
    assert "production-superseded" in keys(older) & keys(newer)
    entries = readable(pipeline.cluster("production").log.lines())
    kinds = [(entry.event.kind, entry.run) for entry in entries if entry.run in {older.id, newer.id}]
    assert kinds == [
        ("requested", older.id), ("requested", newer.id), ("superseded", older.id), ("requested", older.id),
        ("superseded", newer.id), ("rejected", older.id), ("removed", older.id),
    ]  # fmt: skip


@contextmanager
def production_asks_after_the_preview() -> Iterator[None]:
    file = settings().environments / "production.yaml"
    text = file.read_text()
    late = {"approval": {"ask": "after_preview", "preview": "remove"}}
    file.write_text(yaml.safe_dump(yaml.safe_load(text) | late))
    try:
        yield
    finally:
        file.write_text(text)


def keys(run: Run) -> set[str]:
    return {page.key for page in pages(run.id)}


def preview_of(before: World) -> Stack:
    return pipeline.world("production").stack(before.preview)


def assert_superseded(run: Run, *, by: Run) -> None:
    """It ended, names what replaced it, and takes no answer."""
    over = pipeline.run_called(run.id)
    assert (over.kind, over.state) == ("COMPLETED", "Superseded")
    assert by.id in over.message
    with pytest.raises(Refused, match="it waits for no answer"):
        pipeline.approve(run)
