"""Approval by the form of a run: whoever answers types a name, and nobody proves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.input import RunInput
from pydantic import ConfigDict, Field, ValidationError, create_model

from azora.config.environment import ApprovalPolicy
from azora.core.cluster.record import Approval
from azora.core.messages.foreign_text import line
from azora.core.messages.plan_page import markdown
from azora.core.promotion.approval import (
    NAME_LETTERS,
    NAME_LETTERS_AT_MOST,
    NOT_BLANK,
    REASON_LETTERS,
    REASON_LETTERS_AT_MOST,
    Decision,
    Request,
    approval_of,
    deadline,
    is_counted,
    next_request,
    question_of,
)
from azora.core.promotion.plan import Plan
from azora.core.release.release import Release
from azora.core.release.release import shown as short
from azora.host.retry import retried
from azora.operations.promotion.shown import Shown
from azora.operations.record import answers
from azora.operations.record.writing import refused
from tasks import artifacts, notifications
from tasks.approval_requests import (
    Rejection,
    attempt,
    differences,
    digests_of,
    last_request_of,
    not_suspended,
    note_of,
    plan_field,
    plan_with,
    policy_of,
    record_rejection,
    request_approval,
    seconds_to_answer,
    stored_answer,
)
from tasks.context import cluster_of, this_run
from tasks.evidence import with_evidence
from tasks.heartbeat import suspend
from tasks.retries import if_transient
from tasks.supersede import stop_if_superseded, supersede_older, take_request


class Answer(RunInput):
    """The form. The server checks it against this schema and keeps the run waiting on a bad answer."""

    model_config = ConfigDict(regex_engine="python-re")  # the pattern looks ahead, as servers and browsers can

    decision: Decision = Field(
        title="Decision", description="approve: promote exactly this plan. reject: change nothing."
    )
    approver: str = Field(
        title="Approver",
        description="Your name.",
        min_length=NAME_LETTERS,
        max_length=NAME_LETTERS_AT_MOST,
        pattern=NOT_BLANK,
    )
    reason: str = Field(
        title="Reason",
        description=f"Why, in at least {REASON_LETTERS} letters; stored with the answer.",
        min_length=REASON_LETTERS,
        max_length=REASON_LETTERS_AT_MOST,
        pattern=NOT_BLANK,
    )
    plan: str = plan_field()


@dataclass(frozen=True)
class Given:
    """An answer that a person gave, and when."""

    decision: Decision
    approver: str
    reason: str
    given_at: datetime


def ask_by_form(environment: str, release: Release, shown: Shown) -> Approval | None:
    """Suspend until a person answered the plan that holds now; None when the answer was a rejection.

    The answer to the run's last request is looked up by that request's key. An older version of Azora did not keep the digests of the
    objects *shown*: its request is replaced.
    """
    policy = policy_of(environment)
    last = last_request_of(environment, release)
    answer = _answer(last)
    if last:
        stop_if_superseded(environment, take_request(environment, last.key))
    if last and answer and answer.decision is Decision.REJECT:
        _rejected(last, answer)
        return None
    digests = digests_of(shown)
    plan = plan_with(environment, release, digests)
    if last and answer and _is_new(last):
        if last.plan == plan.hash and last.shown is not None and _is_young(answer, policy) and not plan.is_frozen:
            return _approved(last, answer, policy, release)
        record_refusal(environment, last, answer)
    request = next_request(last, plan, attempt=attempt(), now=datetime.now(UTC), shown=digests)
    seconds = seconds_to_answer(request, policy, environment)
    changed = differences(last, plan)
    if last and last.shown is None:
        changed.append("an older version of Azora made the request, without digests of the objects")
    if last and plan.is_frozen and plan.freeze:
        changed.append(f"{environment} is frozen {plan.freeze.text}")
    plan = with_evidence(plan, request, shown, changed)
    head = request_approval(environment, plan, request, changed)
    stop_if_superseded(environment, supersede_older(environment))
    if last is None or changed:
        notifications.question(plan)
    suspend(wait_for_input=form_of(plan, changed, head, deadline(request, policy)), key=request.key, timeout=seconds)
    raise not_suspended(environment)


def form_of(plan: Plan, changed: Sequence[str], head: str = "", until: datetime | None = None) -> type[RunInput]:
    """Form of one request: its field `plan` accepts the hash of *plan* alone, and is filled in.

    *changed*: how it differs from the run's request before, which was overtaken. *head*: of the record. *until*: its deadline.
    """
    form = create_model("Answer", __base__=Answer, plan=(str, plan_field(plan.hash)))
    return form.with_initial_data(description="\n\n".join([*note_of(changed), markdown(plan, head=head, until=until)]))


@task(
    task_run_name="{environment}: record approval",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def record_approval(environment: str, approval: Approval, request: Request, release: Release) -> None:
    """Write the approval into the cluster, where the promotion looks for it."""
    get_run_logger().info(
        "%s approved plan %s: %s", line(approval.approver), short(approval.plan), line(approval.reason)
    )
    asked = question_of(request, policy_of(environment), run=this_run(), now=datetime.now(UTC))
    answers.approve(cluster_of(environment), approval, request, release, until=asked.until)


def record_refusal(environment: str, request: Request, answer: Given) -> None:
    """Write that an answer does not count: the plan is another one by now, or the answer is too old."""
    why = f"the answer to plan {short(request.plan)} does not count: the plan changed, the answer has expired, or it is frozen"
    refused(
        cluster_of(environment), "answer", why, who=answer.approver, release=request.bound.release, plan=request.plan
    )


def _rejected(request: Request, answer: Given) -> None:
    rejection = Rejection(answer.approver, answer.reason, answer.given_at)
    record_rejection(request.bound.environment, request, rejection)
    artifacts.answer(request.bound, answer.decision, answer.approver, answer.reason)


def _approved(request: Request, answer: Given, policy: ApprovalPolicy, release: Release) -> Approval:
    approval = approval_of(
        request, policy, run=this_run(), approver=answer.approver, reason=answer.reason, now=answer.given_at
    )
    record_approval(approval.environment, approval, request, release)
    artifacts.answer(request.bound, answer.decision, answer.approver, answer.reason)
    return approval


def _answer(request: Request | None) -> Given | None:
    """Answer to *request*, where it is for the plan that was shown and passes the form's rules."""
    stored = stored_answer(request)
    if request is None or stored is None:
        return None
    try:
        answer = Answer.model_validate_json(stored.text)
    except ValidationError:
        return None
    return Given(answer.decision, answer.approver, answer.reason, stored.at) if answer.plan == request.plan else None


def _is_new(request: Request) -> bool:
    """Return True when the answer to *request* was not counted before."""
    known = retried(cluster_of(request.bound.environment).record.approvals)()
    return not is_counted(request, this_run(), known)


def _is_young(answer: Given, policy: ApprovalPolicy) -> bool:
    """Return True when *answer* has not expired while nobody resumed the run."""
    return datetime.now(UTC) < answer.given_at + timedelta(hours=policy.expires_hours)
