"""Approval by people whom the cluster knows: a resumed run reads their answers in the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.input import RunInput
from pydantic import ConfigDict, Field, ValidationError, create_model

from azora.config.environment import ApprovalPolicy
from azora.config.json_object import Json
from azora.core.cluster.record import Approval
from azora.core.gate.pod_images import items_of
from azora.core.gate.request import Subject, for_approvers
from azora.core.gate.tally import Tally, Voice
from azora.core.messages.foreign_text import line
from azora.core.messages.plan_page import markdown
from azora.core.messages.tally_text import left_out, sentence, waiting_page
from azora.core.promotion.approval import (
    NAME_LETTERS_AT_MOST,
    REASON_LETTERS,
    REASON_LETTERS_AT_MOST,
    Decision,
    Request,
    approval_of,
    deadline,
    next_request,
    question_of,
)
from azora.core.promotion.plan import Plan
from azora.core.release.release import Release
from azora.core.release.release import shown as short
from azora.core.release.rendered import objects_of
from azora.gateways.prefect.run_labels import keep_request
from azora.gateways.prefect.waiting_plan import LOOK_AGAIN
from azora.operations.counting import tally_now
from azora.operations.promotion.shown import Shown
from azora.operations.record import answers
from tasks import artifacts, notifications
from tasks.approval_requests import (
    Rejection,
    attempt,
    began,
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
from tasks.supersede import replaced_by, stop_if_superseded, supersede_older, take_request

SOMEBODY, NO_REASON = "somebody with Prefect's password", "no reason was given"


class Choice(StrEnum):
    LOOK_AGAIN = LOOK_AGAIN
    REJECT = "reject"


# https://json-schema.org/understanding-json-schema/reference/conditionals#ifthenelse
_REASON_OF_A_REJECTION: dict[str, Any] = {
    "if": {"properties": {"decision": {"const": Choice.REJECT}}, "required": ["decision"]},
    "then": {"properties": {"reason": {"minLength": REASON_LETTERS}}, "required": ["reason"]},
}


class Wake(RunInput):
    """The form: it approves nothing. A rejection has a reason; Prefect's server checks it."""

    model_config = ConfigDict(json_schema_extra=_REASON_OF_A_REJECTION)

    decision: Choice = Field(
        title="Decision",
        description="look again: count the approvals in the cluster. reject: change nothing. Nobody approves here.",
    )
    approver: str = Field(
        "", title="Your name", description="With a rejection; not verified.", max_length=NAME_LETTERS_AT_MOST
    )
    reason: str = Field(
        "",
        title="Reason",
        description=f"Why you reject, in at least {REASON_LETTERS} letters; stored in the record.",
        max_length=REASON_LETTERS_AT_MOST,
    )
    plan: str = plan_field()


def ask_people(environment: str, release: Release, shown: Shown) -> Approval | None:
    """Suspend until enough people of the cluster approved the plan that holds now; None after a rejection.

    *Resume* wakes the run. While approvals are missing its page has what is missing, and the deadline stays.
    """
    policy = policy_of(environment)
    last = last_request_of(environment, release)
    if last:
        stop_if_superseded(environment, replaced_by(environment, last.key))
    if last and (rejection := _rejection(last, release, shown)):
        _rejected(last, rejection)
        return None
    digests = digests_of(shown)
    plan = plan_with(environment, release, digests)
    request = next_request(last, plan, attempt=attempt(), now=datetime.now(UTC), shown=digests)
    goes_on = last is not None and request.since == last.since
    tally = count_approvals(environment, subject_of(request, release, shown), plan.authors)
    if last and goes_on and tally.is_enough and not plan.is_frozen:
        return _approved(last, tally, policy)
    seconds = seconds_to_answer(request, policy, environment)
    changed = [] if goes_on else differences(last, plan)
    plan = with_evidence(plan, request, shown, changed)
    head = go_on_waiting(environment, plan, request, tally) if goes_on else ""
    is_new = not head
    if is_new:
        more = for_approvers(request, plan, _objects(shown), known=policy.people)
        head = request_approval(environment, plan, request, changed, approvers=more)
    stop_if_superseded(environment, supersede_older(environment))  # also a run that was woken while a newer one asked
    if is_new:
        notifications.question(plan, by_people=True)
    suspend(
        wait_for_input=form_of(plan, changed, tally, policy, head=head, until=deadline(request, policy)),
        key=request.key,
        timeout=seconds,
    )
    raise not_suspended(environment)


def form_of(
    plan: Plan,
    changed: Sequence[str],
    tally: Tally,
    policy: ApprovalPolicy,
    *,
    head: str = "",
    until: datetime | None = None,
) -> type[RunInput]:
    """Form of one request; its text has what is missing, and the plan."""
    form = create_model("Wake", __base__=Wake, plan=(str, plan_field(plan.hash)))
    text = [
        *note_of(changed),
        waiting_page(tally, policy, this_run(), plan.hash, plan.keeps_out),
        markdown(plan, head=head, until=until),
    ]
    return form.with_initial_data(description="\n\n".join(text))


def subject_of(request: Request, release: Release, shown: Shown) -> Subject:
    """Subject of answers to *request*, with the images of all objects *shown*."""
    label, *built = items_of(release, _objects(shown))
    return Subject(this_run(), request.plan, request.bound.policy, request.since, (label, *built))


@task(
    task_run_name="{environment}: count approvals",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def count_approvals(environment: str, subject: Subject, authors: Sequence[str]) -> Tally:
    """Count the answers in the cluster; *authors*: addresses that Git has now."""
    found = tally_now(cluster_of(environment), subject, authors)
    get_run_logger().info("%s: %s", environment, sentence(found))
    for text in left_out(found):
        get_run_logger().warning("%s: %s", environment, text)
    return found


@task(
    task_run_name="{environment}: wait for approvals",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def go_on_waiting(environment: str, plan: Plan, request: Request, tally: Tally) -> str:
    """Show what is missing on the run's page, and keep the key of the next answer.

    Returns the head of the record for the form; empty where a killed process did not record the request.
    """
    policy = policy_of(environment)
    asked = question_of(request, policy, run=this_run(), now=datetime.now(UTC), title=plan.release.title, began=began())
    head = answers.go_on(cluster_of(environment), asked, request.since)
    if head is None:
        return ""
    keep_request(this_run(), request)
    artifacts.plan(plan, head.short, asked.until, waiting_page(tally, policy, this_run(), plan.hash, plan.keeps_out))
    return head.short


@task(
    task_run_name="{environment}: record approval",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def record_approvals(environment: str, approval: Approval, voices: Sequence[Voice]) -> None:
    """Write the approvals into the record, and what counts where the promotion looks for it."""
    get_run_logger().info("plan %s: approved by %s", short(approval.plan), line(approval.approver))
    answers.approve_by_people(cluster_of(environment), approval, voices)


def _objects(shown: Shown) -> list[Json]:
    return [one for objects in shown.values() for one in objects_of(objects)]


def _rejection(last: Request, release: Release, shown: Shown) -> Rejection | None:
    """First rejection of *last*: of a person of the cluster, or by the form."""
    tally = count_approvals(last.bound.environment, subject_of(last, release, shown), ())
    for voice in tally.rejections:
        return Rejection(voice.who, voice.answer.reason, voice.answer.at, voice.answer.head)
    stored = stored_answer(last)
    try:
        wake = Wake.model_validate_json(stored.text) if stored else None
    except ValidationError:
        return None
    if stored is None or wake is None or (wake.decision, wake.plan) != (Choice.REJECT, last.plan):
        return None
    return Rejection(wake.approver.strip() or SOMEBODY, wake.reason.strip() or NO_REASON, stored.at)


def _rejected(last: Request, found: Rejection) -> None:
    environment = last.bound.environment
    stop_if_superseded(environment, take_request(environment, last.key))
    record_rejection(environment, last, found)
    artifacts.answer(last.bound, Decision.REJECT, found.who, found.why)


def _approved(last: Request, tally: Tally, policy: ApprovalPolicy) -> Approval:
    """One approval for the promotion, of all people who count; it expires when there are too few of them."""
    environment, voices = last.bound.environment, tally.counted
    who, why = ", ".join(voice.who for voice in voices), "; ".join(voice.answer.reason for voice in voices)
    newest = max(voice.answer.at for voice in voices)
    given = approval_of(last, policy, run=this_run(), approver=who, reason=why, now=newest)
    approval = given.model_copy(update={"expires_at": tally.expires_at})
    stop_if_superseded(environment, take_request(environment, last.key))
    record_approvals(environment, approval, voices)
    artifacts.answer(last.bound, Decision.APPROVE, who, why)
    return approval
