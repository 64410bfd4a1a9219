"""Which commit, and what is already known of it."""

from __future__ import annotations

from contextlib import suppress

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client

from azora.environment import environments_of_flows
from azora.errors import AzoraError
from azora.gateways.candidate import built_images, frozen, must_be_sound
from azora.gateways.logs import about
from azora.gateways.notifying import must_parse
from azora.gateways.orchestrator import label_with_commit
from azora.gateways.source import Commit, resolve
from azora.release import Release
from azora.settings import settings
from tasks.places import this_run
from tasks.retrying import if_transient, once_per_run


@task(
    task_run_name="find the commit",
    retries=3,
    retry_delay_seconds=5,
    retry_condition_fn=if_transient,
    persist_result=True,
    cache_key_fn=once_per_run,
)
def find_commit(ref: str) -> Commit:
    """The commit that *ref* is now; a resumed run keeps the one it began with. One that cannot be right ends here, and so do
    an address of who is told, and environments that flows name and nobody described.
    """
    must_parse(settings())
    environments_of_flows(settings().environments)
    commit = resolve(settings().repository_location, ref)
    with suppress(AzoraError):  # costs a later night the list of what changed since
        label_with_commit(this_run(), commit.sha)
    must_be_sound(commit.sha, settings())
    get_run_logger().info("%s is %s: %s (%s)", ref, commit.short, commit.subject, commit.author_name)
    return commit


@task(
    task_run_name="is it built already?",
    retries=3,
    retry_delay_seconds=5,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def find_release(commit: Commit) -> Release | None:
    """The release of *commit* when every image of it is in the registry."""
    images = built_images(commit.sha, settings())
    if images is None:
        get_run_logger().info("not all images of %s are built", commit.short)
        return None
    release = frozen(commit.sha, commit.subject, images, settings())
    get_run_logger().info("release %s is built already", release.title, extra=about(release=release.id))
    return release


def main_branch() -> str:
    """The branch whose newest commit the night rehearses."""
    return settings().branch


def name_the_run(what: str) -> None:
    """Call this run what it does, once that is known."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(this_run(), name=what)  # type: ignore[arg-type]
