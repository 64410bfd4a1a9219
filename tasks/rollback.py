"""Move users by hand, from a flow; the command line calls the same functions."""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from azora.config.settings import settings
from azora.core.colors import Color
from azora.core.release.release import LABEL_DIGITS, shown
from azora.host.log_file import about
from azora.operations.rollback import moved_by, record_in_helm, roll_back, switch_users
from tasks import notifications
from tasks.context import environment_called, this_run
from tasks.retries import if_transient


@task(
    task_run_name="{environment}: roll back",
    retries=5,
    retry_delay_seconds=1,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def go_back(environment: str, revision: int | None) -> None:
    """Send users of *environment* back; once, however often it is tried."""
    here = environment_called(environment)
    entry = moved_by(here, this_run(), settings()) or roll_back(here, revision, settings(), by=this_run())
    get_run_logger().info(
        "users of %s are on %s (%s), switch %d",
        environment,
        entry.to,
        shown(entry.release),
        entry.number,
        extra=about(release=entry.release[:LABEL_DIGITS], color=entry.to),
    )
    notifications.move_by_hand(environment, entry)


@task(
    task_run_name="{environment}: switch to {color}",
    retries=5,
    retry_delay_seconds=1,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def switch_to(environment: str, color: Color) -> None:
    """Send users of *environment* to *color*."""
    entry = switch_users(environment_called(environment), color, settings(), by=this_run())
    moved = f", switch {entry.number}" if entry else " already"
    about_it = about(release=entry.release[:LABEL_DIGITS] if entry else "", color=color)
    get_run_logger().info("users of %s are on %s%s", environment, color, moved, extra=about_it)
    if entry:
        notifications.move_by_hand(environment, entry)


@task(task_run_name="{environment}: record in Helm", cache_policy=NO_CACHE)
def record_switch(environment: str) -> None:
    """Record in Helm which color the live Service selects; after an error the next promotion records it."""
    record_in_helm(environment_called(environment), settings(), by=this_run())
