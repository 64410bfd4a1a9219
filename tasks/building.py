"""Test a commit and build its images, side by side."""

from __future__ import annotations

import logging
import os
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import as_completed
from prefect.task_runners import ThreadPoolTaskRunner

from azora.config.environment import environments
from azora.config.settings import settings
from azora.core.release.release import Release
from azora.gateways.git.repository import Commit
from azora.gateways.helm.client import Helm
from azora.gateways.images.builder import Doubt, build
from azora.gateways.prefect.run_labels import fix_release
from azora.gateways.suites.pass_cache import passed_before, remember_pass
from azora.gateways.suites.pytest_runner import run_unit_tests
from azora.host.log_file import about
from azora.operations import chart_check
from azora.operations.built_images import record_of_images
from azora.operations.checkout import checkout, folder_for_tests
from azora.operations.isolation import sandbox_for
from tasks import artifacts
from tasks.context import environment_called, this_run
from tasks.retries import if_transient, once_per_run
from tasks.source import find_fixed_release

SIDE_BY_SIDE: Any = ThreadPoolTaskRunner(max_workers=1 + (os.cpu_count() or 1))  # each waits a good part of its time


def test_services(commit: Commit, *, fresh: bool) -> None:
    """Run the unit tests of every service; the first failure stops the run.

    What passed before on the very same sources is not run again, unless *fresh*.
    """
    found = checkout(commit.sha, settings())
    futures = {
        service.name: check_service.submit(
            service.name, list(service.test), commit.sha, found.content_of_tests(service), fresh=fresh
        )
        for service in found.application.services
        if service.test
    }
    artifacts.unit_tests({name: future.result() for name, future in futures.items()})


test_services.__test__ = False  # type: ignore[attr-defined]  # pytest must not take it for one of its own


@task(task_run_name="test {service}", persist_result=True, result_serializer="json", cache_key_fn=once_per_run)
def check_service(service: str, command: list[str], commit: str, content: str | None, *, fresh: bool) -> str:
    """Unit tests of one service in a clean export of the commit; the log of a pass on *content*."""
    log = settings().runs_folder / this_run() / f"test {service}.log"
    if content and not fresh and (before := passed_before(log.name, content, settings().runs_folder)):
        get_run_logger().info("unit tests of %s passed on the same sources; log: %s", service, before)
        return str(before)
    folder, variables = folder_for_tests(commit, settings()), settings().test_variables.split()
    run_unit_tests(service, command, folder, log=log, variables=variables, sandbox=sandbox_for(folder, settings()))
    if content:
        remember_pass(log, content)
    get_run_logger().info("unit tests of %s passed; log: %s", service, log)
    return str(log)


def build_release(commit: Commit) -> Release:
    """Build missing images and fix the release of the run.

    Charts that do not render end the run before anything is built or looked up.
    """
    check_charts(commit)
    if fixed := find_fixed_release(commit):
        return fixed
    look_up_images()
    images = checkout(commit.sha, settings()).application.images
    report = artifacts.progress("images", "Images in the registry")
    futures = [build_image.submit(image.name, commit.sha) for image in images]
    for done, _ in enumerate(as_completed(futures), start=1):
        report(done, len(futures))
    references = {image.name: future.result() for image, future in zip(images, futures, strict=True)}
    return freeze(commit, references)


@task(task_run_name="render the charts", cache_policy=NO_CACHE)
def check_charts(commit: Commit) -> None:
    """Render every chart with the values of every environment, so that errors show before an approval.

    No cluster is asked.
    """
    found = checkout(commit.sha, settings())
    release = found.placeholder_release(commit.subject, settings().registry)
    for name in environments(settings().environments):
        environment = environment_called(name)
        chart_check.check_charts(found.delivery(release, environment, settings()), Helm(environment, settings()))


@task(
    task_run_name="look up built images",
    retries=5,
    retry_delay_seconds=3,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def look_up_images() -> None:
    """Read the record of built images once, so that a cluster that does not answer is one error."""
    get_run_logger().info("%d built images are recorded", len(record_of_images(settings()).entries()))


@task(
    task_run_name="build {name}",
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def build_image(name: str, commit: str) -> str:
    """One image by digest; not built again when Azora pushed one of the same content."""
    found, here = checkout(commit, settings()), settings()
    image = next(image for image in found.application.images if image.name == name)
    log = here.runs_folder / this_run() / f"build {name}.log"
    logger = get_run_logger()

    def log_doubt(doubt: Doubt) -> None:
        logger.log(logging.WARNING if doubt.recorded else logging.INFO, "%s", doubt)

    built = build(found.application.name, image, found.folder, here, record_of_images(here), log=log, doubts=log_doubt)
    logger.info("%s %s in %.1f s", built.reference, "exists" if built.reused else "was built", built.seconds)
    return built.reference


@task(task_run_name="freeze the release", cache_policy=NO_CACHE)
def freeze(commit: Commit, images: dict[str, str]) -> Release:
    """Fix the release of the commit under one id, for the rest of the run."""
    release = checkout(commit.sha, settings()).release(commit.subject, images)
    fix_release(this_run(), release)
    artifacts.release(release)
    get_run_logger().info("release %s", release.title, extra=about(release=release.label))
    # A copy: through the very same strings Prefect would draw a line from every build to every later step.
    return Release.model_validate_json(release.model_dump_json())
