"""Steps of a promotion: one task with a policy per step, and the loop that runs them."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from prefect import State, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from azora.config.settings import settings
from azora.core.cluster.state import World
from azora.core.promotion.next_step import Step, runs
from azora.core.release.release import Release
from azora.gateways.git.repository import must_be_on
from azora.gateways.kubernetes.lease import held
from azora.gateways.prefect.run_labels import last_end
from azora.host.log_file import about
from azora.host.retry import retried
from azora.operations.chart_check import check_charts
from azora.operations.promotion.context import Context
from azora.operations.promotion.observer import SILENT, Observer
from azora.operations.promotion.promotion import Promotion
from azora.operations.promotion.rehearsal import rehearse
from azora.operations.promotion.shown import Shown, shown_objects
from azora.operations.record.answers import end
from azora.operations.record.writing import refusals
from tasks import artifacts, notifications
from tasks.approval import ask, use_up_approval
from tasks.context import context_of, this_run
from tasks.outcomes import rejected, superseded
from tasks.records import record_acts
from tasks.retries import if_transient
from tasks.supersede import Superseded


class Policy(NamedTuple):
    """Retries of a step and the seconds before each."""

    retries: int
    delay_seconds: float


POLICIES = {
    Step.REPAIR: Policy(3, 2),
    Step.INSTALL_DATA: Policy(3, 3),
    Step.INSTALL_PREVIEW: Policy(3, 3),
    Step.AWAIT_READY: Policy(60, 2),
    Step.PROVE: Policy(2, 2),
    Step.END_TO_END: Policy(1, 2),
    Step.INSTALL_ROUTER: Policy(3, 3),
    Step.SWITCH: Policy(3, 1),
    Step.WATCH: Policy(3, 2),
    Step.RECORD_IN_HELM: Policy(3, 3),
}


def promote(environment: str, release: Release, *, end_to_end: bool = False) -> State[str] | None:
    """Promote *release* in *environment*; where nothing changes, return the state that ends the run.

    Level-triggered: each round looks at the cluster and takes the one next step, so that a run that was killed
    or suspended goes on where it was. No Lease is held while a person is asked. With *end_to_end* the browser cases pass on
    the preview before any user meets it.
    """
    try:
        return _promote(environment, release, end_to_end=end_to_end)
    except Superseded as end:
        return superseded(environment, end.newer)


def _promote(environment: str, release: Release, *, end_to_end: bool) -> State[str] | None:
    shown = look(environment, release)
    with Promotion(replace(context_of(environment, release), shown=shown)) as promotion:
        while step := promotion.next(end_to_end=end_to_end):
            if step is not Step.ASK:
                _walk(promotion, end_to_end=end_to_end)
            elif ask(environment, release, shown) is None:
                return rejected(environment, release)
            else:
                promotion.context.must_not_be_frozen(retried(promotion.context.look)())
    it_runs = about(environment=environment, release=release.label)
    get_run_logger().info("%s runs %s", environment, release.title, extra=it_runs)
    return None


def _walk(promotion: Promotion, *, end_to_end: bool) -> None:
    """Take step after step under the Lease, until there is none or a person is asked."""
    environment = promotion.context.where
    with held(promotion.context.cluster.namespace, this_run()), use_up_approval(environment):
        while (step := promotion.next(end_to_end=end_to_end)) not in {None, Step.ASK}:
            with notifications.step(promotion.context, Step(step)):
                _take(promotion, Step(step))


@task(
    task_run_name="{environment}: inspect",
    retries=5,
    retry_delay_seconds=3,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def look(environment: str, release: Release) -> Shown:
    """Check the environment first, and end the run at an obstacle; returns what would be installed.

    Obstacles: no answer from the cluster, foreign objects, migrations that may not run, charts outside the contract.
    Approvals of an attempt that ended count no more.
    """
    context = context_of(environment, release)
    record_acts(context.cluster)
    with refusals(context.cluster, "promotion", who=this_run(), release=release.id):
        world, shown = _checked(context)
    if context.wanted.approval_needed and (ended := last_end(this_run())):
        end(context.cluster, this_run(), "an earlier attempt of the run ended", before=ended)
    artifacts.warnings(environment, world)
    live = world.active_stack
    serves = f"{live.color} is active: release {live.title}" if live else "no color is active yet"
    get_run_logger().info("%s: %s", environment, serves)
    return shown


def _checked(context: Context) -> tuple[World, Shown]:
    """State of the environment, and the objects as a first installation has them.

    Raises what keeps the release from it.
    """
    world, release = context.first_look(), context.delivery.release
    if not context.wanted.approval_needed:  # where one is needed, the request waits for the end of the freeze
        context.must_not_be_frozen(world)
    shown: Shown = {}
    if not runs(world, release.id):
        if branch := context.delivery.environment.branch:
            must_be_on(branch, release.commit, settings())
        check_charts(context.delivery, context.helm)
        rehearse(context, world)
        shown = shown_objects(context.delivery, context.helm, world)
    return world, shown


def _take(promotion: Promotion, step: Step) -> None:
    """Take *step* as a task of the run, by its policy."""
    policy = POLICIES[step]
    take.with_options(
        task_run_name=f"{promotion.context.where}: {step}",
        retries=policy.retries,
        retry_delay_seconds=policy.delay_seconds,
    )(promotion, step)


@task(retry_condition_fn=if_transient, cache_policy=NO_CACHE)
def take(promotion: Promotion, step: Step) -> None:
    """One step of a promotion; safe to repeat."""
    log = get_run_logger()
    context = promotion.context
    log.info("%s: %s", context.where, step)
    with refusals(context.cluster, "promotion", who=this_run(), release=context.delivery.release.id):
        done = promotion.take(step, _observer(context, step))
    if done.message:
        level = logging.WARNING if done.odd else logging.INFO
        log.log(level, done.message, extra=about(color=done.color) if done.color else None)


def _observer(context: Context, step: Step) -> Observer:
    """Progress and results of a step, left on the run's page."""
    name = context.where
    return Observer(
        pods=artifacts.progress(f"{name}-preview-pods", f"Pods of the preview of {name}")
        if step is Step.INSTALL_PREVIEW
        else SILENT.pods,
        preview_smoke=partial(artifacts.suite, f"{name}-preview-smoke", f"Smoke cases of the preview of {name}"),
        preview_e2e=partial(artifacts.suite, f"{name}-preview-e2e", f"End-to-end cases of the preview of {name}"),
        live_smoke=partial(artifacts.suite, f"{name}-smoke", f"Smoke cases of {name} after the switch"),
        judged=partial(_judged, context),
    )


def _judged(context: Context) -> None:
    artifacts.last_switch(context.where, context.cluster)
    notifications.last_switch(context.where, context.cluster)
