"""Proofs: what must pass before a release goes further, and what already passed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from azora.config.environment import environments
from azora.config.settings import settings
from azora.core.cluster.record import ProofRecord
from azora.core.cluster.state import Stack
from azora.core.promotion.next_step import runs
from azora.core.promotion.plan import proof_for
from azora.core.promotion.stages import hours_that_count
from azora.core.release.release import Release, shown
from azora.errors import Refused
from azora.gateways.suites.pytest_runner import must_pass
from azora.operations.promotion.context import Context
from azora.operations.promotion.promotion import Promotion
from azora.operations.run_suite import run_live_suite
from tasks import artifacts
from tasks.context import cluster_of, context_of, environment_called, this_run
from tasks.retries import if_transient


@task(
    task_run_name="{environment}: check running release",
    retries=3,
    retry_delay_seconds=3,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def runs_already(environment: str, release: Release) -> bool:
    """Return True when *release* serves users of *environment*, and nothing is left to do there."""
    done = (
        runs(cluster_of(environment).look(), release.id) and Promotion(context_of(environment, release)).next() is None
    )
    if done:
        get_run_logger().info("%s already runs %s: nothing to do", environment, release.title)
    return done


@task(
    task_run_name="{environment}: check proof",
    retries=3,
    retry_delay_seconds=3,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def proved_already(environment: str, release: Release, *, fresh: bool) -> bool:
    """Return True when *environment* has a recent proof of *release*; with *fresh*, from this run alone."""
    proof = _proof(environment, release, _hours_that_count(environment))
    counts = proof is not None and (not fresh or proof.run == this_run())
    if proof and counts:
        get_run_logger().info(
            "%s proved %s at %s in run %s: %s", environment, shown(release.id), proof.at, proof.run, proof.summary
        )
    return counts


@task(
    task_run_name="{environment}: require proof",
    retries=3,
    retry_delay_seconds=3,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def require_proof(environment: str, release: Release) -> None:
    """Refuse a release that was not proved where the environment's file says it must be."""
    policy = environment_called(environment).proof
    if policy and _proof(policy.environment, release, policy.max_age_hours) is None:
        raise Refused(
            f"could not promote {release.title} to {environment}: {policy.environment} holds no proof of it",
            advice=f"run the `release` flow for it, which proves it on {policy.environment} first",
        )


@task(
    task_run_name="{environment}: end-to-end proof",
    retries=1,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def prove_end_to_end(environment: str, release: Release) -> None:
    """Record the proof: this run's browser cases on the preview, or else those on the active color.

    Of an application without such cases the smoke cases are the proof.
    """
    context = context_of(environment, release)
    world = context.cluster.look()
    live = world.active_stack
    if live is None or not runs(world, release.id):
        raise Refused(
            f"could not prove {environment}: it does not run {release.title}", advice="promote it there first"
        )
    summary = "unit tests and smoke cases passed; there are no end-to-end cases"
    if context.delivery.application.suites.e2e:
        on_preview = world.serving.cases if world.serving and world.serving.cases_by == this_run() else 0
        passed = on_preview or _passed_live(context, live)
        summary = f"unit tests, smoke and {passed} end-to-end cases passed"
    context.cluster.record.add_proof(
        ProofRecord(release=release.id, at=datetime.now(UTC), run=this_run(), summary=summary)
    )


@task(task_run_name="{environment}: {name} cases", cache_policy=NO_CACHE)
def run_cases(environment: str, name: Literal["e2e", "smoke"]) -> None:
    """Run a suite of what *environment* runs now through its live address; nothing is recorded."""
    result = run_live_suite(environment_called(environment), name, run=this_run(), settings=settings())
    artifacts.suite(f"{environment}-{name}", f"The {name} cases on {environment}", result)
    must_pass(result, environment)


def _passed_live(context: Context, live: Stack) -> int:
    """Run the end-to-end cases at the live address, publish their page, count those that passed; all must."""
    environment = context.where
    result = context.suite("e2e", context.delivery.environment.hosts.live, live)
    artifacts.suite(f"{environment}-e2e", f"End-to-end cases on {environment}", result)
    must_pass(result, f"{environment} end to end")
    return result.passed + result.flaky


def _proof(environment: str, release: Release, max_age_hours: float) -> ProofRecord | None:
    return proof_for(cluster_of(environment).look(), release.id, datetime.now(UTC), max_age_hours)


def _hours_that_count(environment: str) -> float:
    """Maximum age of a proof, by the strictest environment that relies on *environment*'s proofs."""
    return hours_that_count(environment, map(environment_called, environments(settings().environments))) or 0.0
