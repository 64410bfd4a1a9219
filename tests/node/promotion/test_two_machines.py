"""A run that waits on one machine and continues on another: what it is about never changes.

Changes that are made meanwhile do not count.

Two workers with homes and state folders of their own stand for the machines; they serve the guestbook's queue of the node's Prefect.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from azora.config.settings import ROOT, settings
from azora.gateways.images.registry import Reference, asked
from azora.gateways.prefect.registration import register
from azora.gateways.prefect.runs import Run
from azora.gateways.prefect.waiting_plan import WaitingPlan, waiting_plan
from azora.host.process import clean_environment
from tests.support import pipeline
from tests.support.guestbook import Guestbook, guestbook
from tests.support.served_guestbook import forget

NAME = "machines"
POLICIES: dict[str, dict[str, object]] = {
    "qa": {},
    "staging": {"proof": {"environment": "qa"}},
    "production": {"approval": {"ask": "before_preview"}, "proof": {"environment": "staging"}},
}


@pytest.fixture(scope="module")
def book(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guestbook]:  # noqa: ARG001 - the node must be up
    forget(NAME)  # what a killed test left
    with guestbook(tmp_path_factory.mktemp("machines"), NAME, POLICIES, name=NAME) as found:
        list(register(settings()))
        yield found
        forget(NAME)


@pytest.fixture(scope="module")
def first(book: Guestbook, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, str]:
    """Release that waits for its approval, and its commit.

    The machine where it began is gone, with its disk.
    """
    commit = book.commit()
    with machine(tmp_path_factory.mktemp("one")):
        run = pipeline.until_it_waits(pipeline.begin("release", ref=commit), seconds=180)
    assert book.cluster("staging").running().commit == commit
    assert book.cluster("qa").running().commit == commit, "it did not go through every stage"
    return run, commit


@contextmanager
def machine(home: Path) -> Iterator[None]:
    """Worker of the guestbook with an empty home, state folder and Prefect home.

    It is killed at the end of the block.
    """
    ours = {name: value for name, value in os.environ.items() if name.startswith(("AZORA_", "PREFECT_API_"))}
    env = clean_environment(
        **ours
        | {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(Path.home() / ".cache"),  # layers of the build, which no run reads back
            "AZORA_STATE": str(home / "state"),
            "PREFECT_HOME": str(home / "prefect"),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PATH": worker_path(),
        }
    )
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool=azora", f"--work-queue={NAME}"]
    command += ["--type=process", f"--name={home.name}"]
    with (home / "worker.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def worker_path() -> str:
    return f"{Path(sys.executable).parent}:{Path(settings().helm).parent}:{os.environ['PATH']}"


def approve(run: Run) -> WaitingPlan:
    """Approve the plan that waits now."""
    waits = waiting_plan(run.id)
    pipeline.approve(run)
    return waits


def change_parameters(run: Run, ref: str) -> httpx.Response:
    with pipeline.prefect() as client:
        return client.patch(f"/flow_runs/{run.id}", json={"parameters": {"ref": ref}})


def remove_image_of_the_store(book: Guestbook) -> None:
    """Remove the `store` image of staging's release, and no other, as if somebody cleaned the registry."""
    image = Reference.parse(book.cluster("staging").running().images["store"], settings())
    asked("DELETE", image, f"/v2/{image.path}/manifests/{image.digest}", what="remove an image").raise_for_status()


def test_what_was_approved_reaches_users(book: Guestbook, first: tuple[Run, str], tmp_path: Path) -> None:
    """Main moves on, somebody changes the run's parameters, and another machine resumes it: the approved commit is promoted."""
    run, approved = first
    newer = book.commit()
    change_parameters(run, newer).raise_for_status()
    with machine(tmp_path):
        approve(run)
        over = pipeline.until_over(run, seconds=180)
    assert over.went_well, over.message
    assert book.cluster().running().commit == approved
    entry = next(one for one in book.cluster().look().switches if one.by == run.id)
    assert entry.approval
    assert entry.approval.startswith(f"{run.id}/production-1-1-")


@pytest.mark.usefixtures("first")
def test_environment_that_changed(book: Guestbook, tmp_path: Path) -> None:
    """An approval of a plan that was overtaken is void: a new request names what changed, and only its answer counts.

    A release whose image the registry lost in the meantime ends the run.
    """
    file = settings().environments / "production.yaml"
    text, before = file.read_text(), book.cluster().look().switches
    with machine(tmp_path):
        run = pipeline.until_it_waits(pipeline.begin("release", ref=book.commit()), seconds=180)
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"settle_seconds": 2}))
        old = approve(run)
        pipeline.wait_for(run, lambda now: now.waits and waiting_plan(run.id).hash != old.hash, seconds=60)
        assert waiting_plan(run.id).text.startswith(
            "**This replaces the request before:** `the file of production changed`"
        )
        assert book.cluster().look().switches == before
        remove_image_of_the_store(book)
        approve(run)
        over = pipeline.until_over(run, seconds=60)
    file.write_text(text)
    assert (over.state, "the registry no longer has the image of" in over.message) == ("Failed", True), over.message
    assert "start a new run" in over.message
    assert book.cluster().look().switches == before
