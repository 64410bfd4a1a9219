"""The guestbook: the small application for tests of the pipeline itself.

It is in namespaces of its own on the node.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import yaml

from azora.config.environment import Environment, load_environment
from azora.config.identity import of_person
from azora.config.settings import ROOT, settings
from azora.core.cluster.record import Approval
from azora.core.promotion.approval import approval_of, next_request, question_of
from azora.core.release.release import Release
from azora.gateways.images.builder import build
from azora.gateways.kubernetes.cluster import Cluster, connect
from azora.gateways.kubernetes.rbac import grant
from azora.operations.built_images import record_of_images
from azora.operations.checkout import checkout
from azora.operations.planning import plan_now
from azora.operations.promotion.context import Context
from azora.operations.promotion.factory import context_of
from azora.operations.record import answers
from tests.support import pipeline

NAME = "guestbook"
PODS = Path("deployments/charts/guestbook/templates/_pods.tpl")
SOURCE = ROOT / "docs/examples/guestbook"


@dataclass(frozen=True)
class Guestbook:
    """A repository with the guestbook, and environments of its own that this process's settings name."""

    repository: Path

    def commit(self, files: dict[Path | str, str] | None = None, message: str = "Sign the book") -> str:
        """Commit *files* (default: another entry) on main; returns the commit."""
        return pipeline.commit(files, message)

    def ready_after(self, seconds: int) -> dict[Path | str, str]:
        """The chart, with pods that take that long to become ready: for tests that meet an install under way."""
        text = (self.repository / PODS).read_text()
        probe = "periodSeconds: 1"
        assert probe in text
        return {PODS: text.replace(probe, f"{probe}, initialDelaySeconds: {seconds}", 1)}

    def release(self, commit: str) -> Release:
        """Built, as the pipeline does it."""
        found, here = checkout(commit, settings()), settings()
        images = {
            image.name: build(
                found.application.name,
                image,
                found.folder,
                here,
                record_of_images(here),
                log=here.runs_folder / "build.log",
            ).reference
            for image in found.application.images
        }
        return found.release("a change", images)

    def environment(self, name: str = "production") -> Environment:
        return load_environment(name, settings().environments)

    def context(self, release: Release, name: str = "production", run: str = "") -> Context:
        return context_of(self.environment(name), release, run=run or f"test-{uuid4()}", settings=settings())

    def cluster(self, name: str = "production") -> Cluster:
        """Cluster of environment *name*, as the node's administrator."""
        return connect(self.environment(name), settings(), of_person(self.environment(name), settings()))

    def approve(self, context: Context) -> Approval:
        """Record a person's approval of the plan that holds now, as the flow does once it was answered."""
        delivery = context.delivery
        plan = plan_now(delivery.environment, delivery.release, run=delivery.run, settings=settings())
        request = next_request(None, plan, attempt=1, now=datetime.now(UTC))
        policy = delivery.environment.approval
        assert policy
        approval = approval_of(
            request, policy, run=delivery.run, approver="ada", reason="it is time", now=datetime.now(UTC)
        )
        asked = question_of(request, policy, run=delivery.run, now=datetime.now(UTC))
        answers.request(context.cluster, asked, request, delivery.release)
        answers.approve(context.cluster, approval, request, delivery.release, until=asked.until)
        return approval

    def page(self, name: str = "production") -> httpx.Response:
        """Page that a visitor sees."""
        host = self.environment(name).hosts.live
        return httpx.get(f"http://{settings().ingress_address}/", headers={"Host": host}, timeout=10)


def git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), "-c", "user.name=Team", "-c", "user.email=team@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def make_repository(folder: Path, source: Path, name: str = NAME) -> Path:
    """A repository whose main is the guestbook of *source*, as the application *name*."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    application = folder / "deployments/application.yaml"
    application.write_text(application.read_text().replace(f"\nname: {NAME}\n", f"\nname: {name}\n"))
    git(folder.parent, "init", "--quiet", "--initial-branch=main", str(folder))
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "The guestbook")
    return folder


def environment_file(prefix: str, name: str, **policy: object) -> str:
    """File of one environment.

    *prefix* makes its namespace and hosts its own, and None takes a key away.
    """
    content = {
        "namespace": f"{prefix}-{name}",
        "hosts": {"live": f"{name}.{prefix}.localhost", "preview": f"preview.{name}.{prefix}.localhost"},
        "data": False,
        "install_minutes": 3,
        "patience_seconds": 10,
        "settle_seconds": 1,
        "probe_per_second": 20,
        "notices": "trouble",
        **policy,
    }
    return yaml.safe_dump({key: said for key, said in content.items() if said is not None}, sort_keys=False)


@contextmanager
def guestbook(
    folder: Path, prefix: str, environments: dict[str, dict[str, object]], source: Path = SOURCE, name: str = NAME
) -> Iterator[Guestbook]:
    """The guestbook of *source* as application *name*, with *environments*; gone after the block.

    *environments* maps each name to what its file says.
    """
    with settings_of(variables(folder, name)):
        make_repository(folder / "guestbook", source, name)
        with environments_of(prefix, environments):
            yield Guestbook(folder / "guestbook")


def variables(folder: Path, name: str) -> dict[str, str]:
    """Settings of the application *name* whose repository, environments and state are in *folder*."""
    return {
        "AZORA_APPLICATION": name,
        "AZORA_REPOSITORY": str(folder / "guestbook"),
        "AZORA_STATE": str(folder / "state"),
        "AZORA_ENVIRONMENTS": str(folder / "environments"),
        "AZORA_IDENTITIES": str(folder / "identities"),
    }


@contextmanager
def environments_of(prefix: str, policies: dict[str, dict[str, object]]) -> Iterator[None]:
    """Files, namespaces and accounts of these environments of the settings' application, for the block."""
    folder = settings().environments
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, policy in policies.items():
        (folder / f"{name}.yaml").write_text(environment_file(prefix, name, **policy))
    namespaces = [f"{prefix}-{name}" for name in policies]
    remove(*namespaces)  # what a killed test left
    for name in policies:
        grant(load_environment(name, folder), settings())
    try:
        yield
    finally:
        remove(*namespaces)


@contextmanager
def settings_of(variables: dict[str, str]) -> Iterator[None]:
    """This process's settings with *variables* for the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    settings.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        settings.cache_clear()


def remove(*namespaces: str) -> None:
    """With the accounts that may release there; their pods are given no time to end."""
    pipeline.kubectl("delete", "namespace", *namespaces, "--ignore-not-found", "--wait=false")
    for name in namespaces:
        pipeline.kubectl("-n", name, "delete", "pods", "--all", "--grace-period=0", "--force", "--wait=false")
    pipeline.kubectl("wait", "--for=delete", *(f"namespace/{name}" for name in namespaces), "--timeout=110s")
    pipeline.kubectl("-n", "azora-system", "delete", "serviceaccount", *namespaces, "--ignore-not-found")
