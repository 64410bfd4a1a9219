"""Source of a run: which commit, and which release is known already."""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext

from azora.config.settings import settings
from azora.core.messages.foreign_text import line
from azora.core.release.built_images import holds
from azora.core.release.release import Release, shown
from azora.errors import Refused
from azora.gateways.git.repository import Commit, resolve
from azora.gateways.images.registry import exists
from azora.gateways.notify.sending import must_parse
from azora.gateways.prefect.client import connected
from azora.gateways.prefect.run_labels import facts_of, fix_commit, fix_release
from azora.host.log_file import about
from azora.operations.built_images import record_of_images
from azora.operations.checkout import checkout, must_be_releasable, must_be_whole
from azora.operations.environment_overlap import must_be_apart
from tasks.context import this_run
from tasks.retries import if_transient


@task(
    task_run_name="find commit",
    retries=3,
    retry_delay_seconds=5,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def find_commit(ref: str) -> Commit:
    """Commit of *ref* at the run's first step, fixed for the run.

    Later changes of *ref* or of the run's parameters do not change it. A bad ref, a bad notification address and
    an environment of the flows without a file, or one in another's place, end the run here.
    """
    must_parse(settings())
    must_be_apart(settings())
    fixed = facts_of(this_run()).commit
    commit = resolve(fixed or ref, settings())
    if not fixed:
        fix_commit(this_run(), commit.sha)
    found = checkout(commit.sha, settings())
    must_be_releasable(found, settings())
    must_be_whole(found, settings())
    get_run_logger().info("%s is %s: %s (%s)", line(ref), commit.short, line(commit.subject), line(commit.author_name))
    return commit


@task(
    task_run_name="check built images",
    retries=3,
    retry_delay_seconds=5,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def find_release(commit: Commit) -> Release | None:
    """Release of the run, or else of *commit* when Azora pushed all its images; fixed for the run."""
    if fixed := _fixed(commit):
        return fixed
    found = checkout(commit.sha, settings())
    images = found.built_images(settings())
    if images is None:
        get_run_logger().info("not all images of %s are built", commit.short)
        return None
    release = found.release(commit.subject, images)
    fix_release(this_run(), release)
    get_run_logger().info("release %s is built already", release.title, extra=about(release=release.label))
    return release


@task(
    task_run_name="check fixed release",
    retries=3,
    retry_delay_seconds=5,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def find_fixed_release(commit: Commit) -> Release | None:
    """The release that the run is about, where it found or built one before."""
    return _fixed(commit)


def _fixed(commit: Commit) -> Release | None:
    """By the run's own labels; None where they name an image that Azora did not build, whoever wrote them.

    Raises:
        Refused: what it fixed is not what its commit and images make, or the registry has one of these no more.
    """
    facts = facts_of(this_run())
    if not facts.release:
        return None
    release = checkout(commit.sha, settings()).release(commit.subject, facts.images)
    if release.id != facts.release:
        raise Refused(
            f"could not go on with release {shown(facts.release)}: its commit and images make {shown(release.id)}",
            advice="the labels of this run were changed; start a new run",
        )
    here = f"{settings().registry}/{settings().application}/"
    if strangers := [reference for reference in facts.images.values() if not reference.startswith(here)]:
        raise Refused(
            f"could not go on with release {release.title}: {', '.join(strangers)} is not an image in {here}",
            advice="the labels of this run were changed; start a new run",
        )
    record = record_of_images(settings()).entries()
    if unknown := [name for name, image in facts.images.items() if not holds(record, name, image.rpartition("@")[2])]:
        get_run_logger().warning(
            "the labels of this run name release %s, and Azora did not record that it built the image of %s: built again",
            release.title,
            ", ".join(unknown),
        )
        return None
    if lost := [name for name, reference in facts.images.items() if not exists(reference, settings())]:
        raise Refused(
            f"could not go on with release {release.title}: the registry no longer has the image of {', '.join(lost)}",
            advice="start a new run, which builds the missing images",
        )
    get_run_logger().info("this run is about release %s", release.title, extra=about(release=release.label))
    return release


def main_branch() -> str:
    """The branch whose newest commit the nightly run rehearses."""
    return settings().branch


def name_the_run(what: str) -> None:
    """Call this run what it does, once that is known."""
    with connected("name the run") as client:
        client.update_flow_run(this_run(), name=what)  # type: ignore[arg-type]
    if (context := FlowRunContext.get()) and context.flow_run:
        context.flow_run.name = what  # Prefect reads the name only once
