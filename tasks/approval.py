"""Ask a person, without holding a process: the run suspends, and starts from the top when it is resumed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count

from prefect import get_run_logger, suspend_flow_run, task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext
from prefect.input import RunInput
from pydantic import Field

from azora.approval import NAME_LETTERS, REASON_LETTERS, Decision, approval_of, question, question_of
from azora.environment import ApprovalPolicy
from azora.errors import AzoraError, BadInput
from azora.gateways.source import changes_between
from azora.plan import Plan, markdown, plan_of, proof_for
from azora.record import Approval
from azora.release import Release
from azora.settings import settings
from tasks import pages, telling
from tasks.places import cluster_of, environment_called, promotion_of, this_run
from tasks.retrying import if_transient, once_per_run


class Answer(RunInput):
    """The form. The server checks it against this schema and keeps the run waiting on a bad answer."""

    decision: Decision = Field(
        title="Decision", description="approve: promote exactly this plan. reject: leave things as they are."
    )
    approver: str = Field(title="Approver", description="Who you are.", min_length=NAME_LETTERS)
    reason: str = Field(
        title="Reason", description=f"Why, in at least {REASON_LETTERS} letters; it is kept.", min_length=REASON_LETTERS
    )


def ask(environment: str, release: Release) -> Approval | None:
    """Suspend until a person answered the plan that holds now; None when the answer was no.

    When the environment changed while the question waited, the answer is void, and the new plan is asked about.
    """
    policy = _policy(environment)
    for vote in count(1):
        key = question(environment, _attempt(), vote)
        shown = show_plan(environment, release, key)
        answer = suspend_flow_run(
            wait_for_input=Answer.with_initial_data(description=markdown(shown)),
            key=key,
            timeout=int(policy.wait_hours * 3600),
        )
        forget_question(environment)
        if answer.decision is Decision.REJECT:
            get_run_logger().warning("%s rejected it: %s", answer.approver, answer.reason)
            pages.answer(environment, answer.decision, answer.approver, answer.reason, shown)
            return None
        if _was_counted(environment, key):
            continue
        if plan_now(environment, release).hash != shown.hash:
            get_run_logger().warning(
                "%s changed while the question waited; the yes to plan %s is void", environment, shown.hash
            )
            continue
        approval = approval_of(
            shown,
            policy,
            key=key,
            run=this_run(),
            approver=answer.approver,
            reason=answer.reason,
            now=datetime.now(UTC),
        )
        record_approval(environment, approval)
        pages.answer(environment, answer.decision, answer.approver, answer.reason, shown)
        return approval
    return None


@contextmanager
def void_approval(environment: str) -> Iterator[None]:
    """A promotion that failed used its approval up: a retry asks again. One that was killed goes on with it."""
    try:
        yield
    except AzoraError:
        with suppress(AzoraError):
            cluster_of(environment).void_approval(this_run())
        raise


@task(task_run_name="{environment}: plan", persist_result=True, cache_key_fn=once_per_run)
def show_plan(environment: str, release: Release, key: str) -> Plan:  # noqa: ARG001 - the key makes each question its own
    """The plan of one question, frozen as it was shown, and told to who may answer: once, however often the run starts over.

    That it waits is seen in the cluster from now on.
    """
    plan = plan_now(environment, release)
    pages.plan(environment, plan)
    asked = question_of(plan, _policy(environment), run=this_run(), now=datetime.now(UTC))
    cluster_of(environment).record_question(asked)
    telling.question(plan)
    return plan


@task(
    task_run_name="{environment}: the question is answered",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def forget_question(environment: str) -> None:
    """Nobody waits any more."""
    cluster_of(environment).forget_question(this_run())


@task(
    task_run_name="{environment}: record the approval",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def record_approval(environment: str, approval: Approval) -> None:
    """Write the yes into the cluster, where the promotion looks for it."""
    get_run_logger().info("%s approved plan %s: %s", approval.approver, approval.plan, approval.reason)
    cluster_of(environment).record_approval(approval)


def plan_now(environment: str, release: Release) -> Plan:
    """The plan from a fresh look, with the commits it brings and the proof it leans on; nobody is asked in vain."""
    here = environment_called(environment)
    world = promotion_of(environment, release).look()
    stack = world.active_stack
    old = stack.record.commit if stack and stack.record else None
    changes = changes_between(settings().repository_location, old or None, release.commit)[:50]
    proof = None
    if here.proof:
        proof = proof_for(
            cluster_of(here.proof.environment).look(), release.id, datetime.now(UTC), here.proof.max_age_hours
        )
    running = cluster_of(environment).running() if stack else None
    return plan_of(here, release, world, changes=changes, proof=proof, running=running)


def _was_counted(environment: str, key: str) -> bool:
    """An answer counts once: what was recorded before and does not hold any more is not renewed."""
    return any(yes.id == f"{this_run()}/{key}" for yes in cluster_of(environment).look().approvals)


def _policy(environment: str) -> ApprovalPolicy:
    policy = environment_called(environment).approval
    if policy is None:
        raise BadInput(
            f"could not ask for {environment}: its file has no `approval`", advice="add one, or promote without asking"
        )
    return policy


def _attempt() -> int:
    """How often the run was started, resumes aside: a Retry is a new attempt."""
    context = FlowRunContext.get()
    return context.flow_run.run_count if context and context.flow_run else 1
