"""The steps of a promotion as tasks, and the loop that takes the next one until there is none."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from prefect import get_run_logger, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE

from azora.config.settings import settings
from azora.core.promotion.next_step import Step, runs
from azora.core.release.release import Release
from azora.gateways.kubernetes.lease import held
from azora.gateways.prefect.run_labels import last_end
from azora.host.log_file import about
from azora.operations.chart_check import render_charts
from tasks import artifacts, notifications
from tasks.approval import ask, use_up_approval
from tasks.context import environment_called, promotion_of, this_run
from tasks.retries import if_transient


def promote(environment: str, release: Release, *, end_to_end: bool = False) -> bool:
    """Make *release* what users of *environment* reach, or leave things as they were; False when a person said no.

    Level-triggered: each round looks at the cluster and takes the one next step, so that a run that was killed
    or suspended goes on where it was. No Lease is held while a person is asked. With *end_to_end* the browser cases pass on
    the preview before any user meets it.
    """
    look(environment, release)
    promotion = promotion_of(environment, release)
    while step := promotion.next(end_to_end=end_to_end):
        if step is Step.ASK:
            if ask(environment, release) is None:
                return False
            continue
        with held(promotion.cluster, this_run()), use_up_approval(environment):
            while (step := promotion.next(end_to_end=end_to_end)) not in {None, Step.ASK}:
                with notifications.step(promotion, Step(step)):
                    STEPS[Step(step)](environment, release)
    it_runs = about(environment=environment, release=release.label)
    get_run_logger().info("%s runs %s", environment, release.title, extra=it_runs)
    return True


@task(
    task_run_name="{environment}: look",
    retries=5,
    retry_delay_seconds=3,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def look(environment: str, release: Release) -> None:
    """What is there: a cluster that does not answer, what is not Azora's, migrations that may not run and charts that do not provide
    what they must end the run here. Approvals of an attempt that ended count no more.
    """
    promotion = promotion_of(environment, release)
    world = promotion.first_look()
    if not runs(world, release.id):
        render_charts(environment_called(environment), release, settings=settings())
    if promotion.wanted.approval_needed and (ended := last_end(this_run())):
        promotion.cluster.end_approvals(this_run(), "an earlier attempt of the run ended", before=ended)
    live = world.active_stack
    serves = f"{live.color} serves users: release {live.title}" if live else "nobody is served yet"
    get_run_logger().info("%s: %s", environment, serves)


@task(
    task_run_name="{environment}: repair Helm",
    retries=3,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def repair(environment: str, release: Release) -> None:
    """Forget what a killed Helm left half-done; moves no traffic."""
    for name in promotion_of(environment, release).repair():
        get_run_logger().warning("Helm release %s was left half-done by a killed process; forgot that revision", name)


@task(
    task_run_name="{environment}: databases",
    retries=3,
    retry_delay_seconds=3,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def install_data(environment: str, release: Release) -> None:
    """Install or upgrade PostgreSQL and Redis of the environment."""
    get_run_logger().info("installing the databases of %s", environment)
    promotion_of(environment, release).install_data()


@task(
    task_run_name="{environment}: install preview",
    retries=3,
    retry_delay_seconds=3,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def install_preview(environment: str, release: Release) -> None:
    """Bring the stack of the waiting color up at full size."""
    get_run_logger().info("installing %s as the preview of %s", release.title, environment)
    progress = create_progress_artifact(
        0.0, key=f"{environment}-preview-pods", description=f"Pods of the preview of {environment}"
    )

    def report(ready: int, wanted: int) -> None:
        update_progress_artifact(progress, 100 * ready / max(wanted, 1))  # type: ignore[arg-type]

    record = promotion_of(environment, release).install_preview(report)
    update_progress_artifact(progress, 100)  # type: ignore[arg-type]
    get_run_logger().info("preview of %s is up: Helm revision %d", environment, record.revision)


@task(
    task_run_name="{environment}: await ready",
    retries=60,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def await_ready(environment: str, release: Release) -> None:
    """Every pod of the preview is ready."""
    promotion_of(environment, release).await_ready()


@task(
    task_run_name="{environment}: prove preview",
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def prove(environment: str, release: Release) -> None:
    """The smoke cases pass against the preview, through the preview Service."""
    title = f"Smoke cases of the preview of {environment}"
    promotion_of(environment, release).prove(partial(artifacts.suite, f"{environment}-preview-smoke", title))


@task(
    task_run_name="{environment}: end-to-end cases of the preview",
    retries=1,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def try_end_to_end(environment: str, release: Release) -> None:
    """The browser cases pass against the preview, before users go there."""
    title = f"End-to-end cases of the preview of {environment}"
    promotion_of(environment, release).try_end_to_end(partial(artifacts.suite, f"{environment}-preview-e2e", title))


@task(
    task_run_name="{environment}: open the front door",
    retries=3,
    retry_delay_seconds=3,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def install_router(environment: str, release: Release) -> None:
    """The very first time: Services and Ingress."""
    promotion_of(environment, release).install_router()


@task(
    task_run_name="{environment}: switch users",
    retries=3,
    retry_delay_seconds=1,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def switch_users(environment: str, release: Release) -> None:
    """Send users to the new color: one compare-and-swap patch."""
    entry = promotion_of(environment, release).switch()
    get_run_logger().info(
        "users of %s go to %s since %s (switch %d)",
        environment,
        entry.to,
        entry.at.time(),
        entry.number,
        extra=about(color=entry.to),
    )


@task(
    task_run_name="{environment}: watch and smoke",
    retries=3,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def watch(environment: str, release: Release) -> None:
    """Watch the new color under users and smoke-test it; goes back by itself when that fails."""
    promotion = promotion_of(environment, release)
    title = f"Smoke cases of {environment} after the switch"
    try:
        receipt = promotion.watch(partial(artifacts.suite, f"{environment}-smoke", title))
    finally:
        artifacts.last_switch(environment, promotion.cluster)
        notifications.last_switch(environment, promotion.cluster)
    get_run_logger().info("%d requests around the switch of %s, %d failed", receipt.total, environment, receipt.failed)


@task(
    task_run_name="{environment}: book the switch",
    retries=3,
    retry_delay_seconds=3,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def book(environment: str, release: Release) -> None:
    """Helm's record of the front door says what the live Service says."""
    promotion_of(environment, release).book()


STEPS: dict[Step, Callable[[str, Release], None]] = {
    Step.REPAIR: repair,
    Step.INSTALL_DATA: install_data,
    Step.INSTALL_PREVIEW: install_preview,
    Step.AWAIT_READY: await_ready,
    Step.PROVE: prove,
    Step.TRY: try_end_to_end,
    Step.INSTALL_ROUTER: install_router,
    Step.SWITCH: switch_users,
    Step.WATCH: watch,
    Step.BOOK: book,
}
