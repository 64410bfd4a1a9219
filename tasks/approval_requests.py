"""Requests of a run for an approval by any rule: the last one, its answer, its time, the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext
from pydantic import Field

from azora.config.environment import ApprovalPolicy
from azora.config.settings import settings
from azora.core.gate.tally import Tally
from azora.core.messages.foreign_text import line
from azora.core.messages.markdown import code
from azora.core.messages.tally_text import waiting_page
from azora.core.promotion.approval import Request, question_of, seconds_left
from azora.core.promotion.plan import Plan
from azora.core.record.events import ForApprovers
from azora.core.release.release import Release, digest
from azora.core.release.release import shown as short
from azora.core.release.rendered import digest_of_objects
from azora.errors import BadInput, Refused
from azora.gateways.prefect.run_labels import Stored, answer_to, keep_request, last_request
from azora.host.retry import retried
from azora.operations.planning import plan_now
from azora.operations.promotion.shown import Shown
from azora.operations.record import answers
from tasks import artifacts
from tasks.context import cluster_of, environment_called, this_run
from tasks.retries import if_transient

DIFFERENCE_CHARACTERS = 600
NOT_SUSPENDED = "choose Retry on the run's page: the run requests the approval again"


@dataclass(frozen=True)
class Rejection:
    """Rejection of a request. *saw*: head of the record that its person named; a form names none."""

    who: str
    why: str
    at: datetime
    saw: str = ""


def plan_field(only: str = "") -> Any:  # noqa: ANN401 - as pydantic's own Field
    """Field of a form that accepts the hash *only*, and is filled in with it."""
    more: dict[str, Any] = {"json_schema_extra": {"enum": [only], "default": only}} if only else {}
    return Field(title="Plan", description="Hash of the plan above. The answer counts for this plan alone.", **more)


@task(
    task_run_name="{environment}: plan",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def show_plan(environment: str, release: Release) -> Plan:
    """The plan from a fresh look."""
    return plan_now(environment_called(environment), release, run=this_run(), settings=settings())


@task(
    task_run_name="{environment}: request approval",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def request_approval(
    environment: str, plan: Plan, request: Request, changed: list[str], *, approvers: ForApprovers | None = None
) -> str:
    """Store *request* in the run, on its page and in the cluster; returns the record's head for the form.

    *approvers*: what people of the cluster read of it.

    An approval that the run had before counts no more, whatever comes back.
    """
    cluster, policy = cluster_of(environment), policy_of(environment)
    answers.end(cluster, this_run(), "the run requested another approval")
    keep_request(this_run(), request)
    artifacts.commits(environment, plan)
    asked = question_of(request, policy, run=this_run(), now=datetime.now(UTC), title=plan.release.title, began=began())
    head = answers.request(cluster, asked, request, plan.release, began=began(), approvers=approvers)
    missing = waiting_page(Tally(policy.minimum), policy, this_run(), plan.hash, plan.keeps_out) if approvers else ""
    artifacts.plan(plan, head.short if head else "", asked.until, missing)
    for difference in changed:
        get_run_logger().warning(
            "%s: the request before is void: %s", environment, line(difference, DIFFERENCE_CHARACTERS)
        )
    return head.short if head else ""


@task(
    task_run_name="{environment}: record rejection",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def record_rejection(environment: str, request: Request, found: Rejection) -> None:
    """Write the rejection into the record."""
    get_run_logger().warning("%s rejected plan %s: %s", line(found.who), short(request.plan), line(found.why))
    answers.reject(
        cluster_of(environment), request, this_run(), who=found.who, why=found.why, at=found.at, saw=found.saw
    )


def last_request_of(environment: str, release: Release) -> Request | None:
    """The last request of this attempt: a Retry asks anew.

    Raises:
        Refused: the run requested an approval of another release before; its labels were changed.
    """
    found = retried(last_request)(this_run(), environment)
    if found and found.bound.release != release.id:
        raise Refused(
            f"could not request an approval of {release.title}: this run requested one of {short(found.bound.release)}",
            advice="the labels of this run were changed; start a new run",
        )
    return found if found and found.attempt == attempt() else None


def stored_answer(request: Request | None) -> Stored | None:
    """The answer to *request* as Prefect keeps it."""
    return retried(answer_to)(this_run(), request) if request else None


def digests_of(shown: Shown) -> dict[str, str]:
    """Digest of the rendered objects by Helm release."""
    return {name: digest_of_objects(objects) for name, objects in shown.items()}


def plan_with(environment: str, release: Release, digests: dict[str, str]) -> Plan:
    """The plan from a fresh look, with the digest of the objects."""
    return replace(show_plan(environment, release), objects=digest(digests) if digests else "")


def differences(last: Request | None, plan: Plan) -> list[str]:
    """List the differences of *plan* from the one that was requested last."""
    return last.bound.differences(plan.bound) if last else []


def note_of(changed: Sequence[str]) -> list[str]:
    """Paragraph for a form that replaces another one."""
    said = code("; ".join(changed), DIFFERENCE_CHARACTERS)
    return [f"**This replaces the request before:** {said}"] if changed else []


def seconds_to_answer(request: Request, policy: ApprovalPolicy, environment: str) -> int:
    """Raises Refused where the time is over."""
    left = int(seconds_left(request, policy, datetime.now(UTC)))
    if left > 0:
        return left
    raise Refused(
        f"could not wait longer for an approval in {environment}: no approval within {policy.wait_hours:g} h",
        advice="choose Retry on the run's page, or start a new run: both request a new approval",
    )


def not_suspended(environment: str) -> Refused:
    """The error for a Prefect that goes on where it must suspend."""
    return Refused(
        f"could not wait for an answer in {environment}: Prefect did not suspend the run", advice=NOT_SUSPENDED
    )


def policy_of(environment: str) -> ApprovalPolicy:
    """Raises BadInput where the environment's file has no rule about approvals."""
    policy = environment_called(environment).approval
    if policy is None:
        raise BadInput(
            f"could not request an approval for {environment}: its file has no `approval`",
            advice="add `approval` to the file, or promote without an approval",
        )
    return policy


def attempt() -> int:
    """Number of starts of the run, resumes aside: a Retry is a new attempt."""
    context = FlowRunContext.get()
    return context.flow_run.run_count if context and context.flow_run else 1


def began() -> datetime | None:
    """Time when the run began; None for a Retry, whose time counts from the request."""
    context = FlowRunContext.get()
    return context.flow_run.start_time if context and context.flow_run and attempt() == 1 else None
