"""Approval of a person without a waiting process: the run suspends, and restarts when resumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import Flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.input import RunInput
from prefect.logging.loggers import flow_run_logger
from pydantic import ConfigDict, Field, ValidationError, create_model

from azora.config.environment import ApprovalPolicy, environments
from azora.config.settings import settings
from azora.core.cluster.record import Approval
from azora.core.messages.foreign_text import line
from azora.core.messages.markdown import code
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
    is_counted,
    next_request,
    question_of,
    seconds_left,
)
from azora.core.promotion.plan import Plan
from azora.core.release.release import Release, digest
from azora.core.release.release import shown as short
from azora.core.release.rendered import digest_of_objects
from azora.errors import AzoraError, BadInput, Refused
from azora.gateways.prefect.run_labels import answer_to, keep_request, last_request
from azora.host.retry import retried
from azora.operations.planning import plan_now
from azora.operations.promotion.shown import Shown
from azora.operations.record import answers
from azora.operations.record.writing import refused
from tasks import artifacts, notifications
from tasks.context import cluster_of, environment_called, this_run
from tasks.heartbeat import suspend
from tasks.retries import if_transient
from tasks.supersede import stop_if_superseded, supersede_older, take_request

DIFFERENCE_CHARACTERS = 600


def _plan_field(**more: Any) -> Any:  # noqa: ANN401 - as pydantic's own Field
    return Field(title="Plan", description="Hash of the plan above. The answer counts for this plan alone.", **more)


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
    plan: str = _plan_field()


@dataclass(frozen=True)
class Given:
    """An answer that a person gave, and when."""

    decision: Decision
    approver: str
    reason: str
    given_at: datetime


def ask(environment: str, release: Release, shown: Shown) -> Approval | None:
    """Suspend until a person answered the plan that holds now; None when the answer was a rejection.

    A resumed run comes here again from its top: the answer to its last request is looked up by that request's key. Where the plan is
    another one by now, an approval is void, and the run requests one of the new plan, naming what is different. So it does where an older
    version of Azora asked, which did not keep the digests of the objects *shown*.

    Raises:
        Superseded: a run that began later waits here, too; this run ends.
    """
    policy = _policy(environment)
    last = _last_request(environment, release)
    answer = _answer(last)
    if last:
        stop_if_superseded(environment, take_request(environment, last.key))
    if last and answer and answer.decision is Decision.REJECT:
        _rejected(last, answer)
        return None
    digests = {name: digest_of_objects(objects) for name, objects in shown.items()}
    plan = replace(show_plan(environment, release), objects=digest(digests) if digests else "")
    if last and answer and _is_new(last):
        if last.plan == plan.hash and last.shown is not None and _is_young(answer, policy) and not plan.is_frozen:
            return _approved(last, answer, policy, release)
        record_refusal(environment, last, answer)
    request = next_request(last, plan, attempt=_attempt(), now=datetime.now(UTC), shown=digests)
    seconds = _seconds_left(request, policy, environment)
    changed = last.bound.differences(plan.bound) if last else []
    if last and last.shown is None:
        changed.append("an older version of Azora made the request, without digests of the objects")
    if last and plan.is_frozen and plan.freeze:
        changed.append(f"{environment} is frozen {plan.freeze.text}")
    head = request_approval(environment, plan, request, changed)
    stop_if_superseded(environment, supersede_older(environment))
    if last is None or changed:
        notifications.question(plan)
    suspend(wait_for_input=form_of(plan, changed, head), key=request.key, timeout=seconds)
    raise Refused(
        f"could not wait for an answer in {environment}: Prefect did not suspend the run",
        advice="choose Retry on the run's page: the run requests the approval again",
    )


def form_of(plan: Plan, changed: Sequence[str], head: str = "") -> type[RunInput]:
    """Form of one request: its field `plan` accepts the hash of *plan* alone, and is filled in.

    *changed*: how it differs from the run's request before, which was overtaken. *head*: of the record.
    """
    only = {"enum": [plan.hash], "default": plan.hash}
    form = create_model("Answer", __base__=Answer, plan=(str, _plan_field(json_schema_extra=only)))
    note = (
        [f"**This replaces the request before:** {code('; '.join(changed), DIFFERENCE_CHARACTERS)}"] if changed else []
    )
    return form.with_initial_data(description="\n\n".join([*note, markdown(plan, head=head)]))


@contextmanager
def use_up_approval(environment: str) -> Iterator[None]:
    """Use up the approval of a failed promotion, so that a retry requests another.

    A killed promotion continues with its approval.
    """
    try:
        yield
    except Exception as error:
        with suppress(AzoraError):  # the hook at the run's end tries again
            answers.end(cluster_of(environment), this_run(), _line(error))
        raise


def end_approvals(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """A hook for any end of a run but a crash: its approvals count no more."""
    for name in environments(settings().environments):
        try:
            if environment_called(name).approval:
                retried(answers.end)(cluster_of(name), str(flow_run.id), f"the run ended as {state.name}")
        except (AzoraError, ValueError) as error:  # a record that cannot be read
            flow_run_logger(flow_run, flow).warning("an approval in %s may still count: %s", name, error)


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
def request_approval(environment: str, plan: Plan, request: Request, changed: list[str]) -> str:
    """Store *request* in the run, on its page and in the cluster; returns the record's head for the form.

    An approval that the run had before counts no more, whatever comes back.
    """
    cluster = cluster_of(environment)
    answers.end(cluster, this_run(), "the run requested another approval")
    keep_request(this_run(), request)
    artifacts.commits(environment, plan)
    asked = question_of(
        request, _policy(environment), run=this_run(), now=datetime.now(UTC), title=plan.release.title, began=_began()
    )
    head = answers.request(cluster, asked, request, plan.release, began=_began())
    artifacts.plan(plan, head.short if head else "")
    for difference in changed:
        get_run_logger().warning(
            "%s: the request before is void: %s", environment, line(difference, DIFFERENCE_CHARACTERS)
        )
    return head.short if head else ""


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
    asked = question_of(request, _policy(environment), run=this_run(), now=datetime.now(UTC))
    answers.approve(cluster_of(environment), approval, request, release, until=asked.until)


@task(
    task_run_name="{environment}: record rejection",
    retries=5,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def record_rejection(environment: str, request: Request, who: str, why: str, at: datetime) -> None:
    """Write the rejection into the record."""
    get_run_logger().warning("%s rejected plan %s: %s", line(who), short(request.plan), line(why))
    answers.reject(cluster_of(environment), request, this_run(), who=who, why=why, at=at)


def record_refusal(environment: str, request: Request, answer: Given) -> None:
    """Write that an answer does not count: the plan is another one by now, or the answer is too old."""
    why = f"the answer to plan {short(request.plan)} does not count: the plan changed, the answer has expired, or it is frozen"
    refused(
        cluster_of(environment), "answer", why, who=answer.approver, release=request.bound.release, plan=request.plan
    )


def _rejected(request: Request, answer: Given) -> None:
    record_rejection(request.bound.environment, request, answer.approver, answer.reason, answer.given_at)
    artifacts.answer(request.bound, answer.decision, answer.approver, answer.reason)


def _approved(request: Request, answer: Given, policy: ApprovalPolicy, release: Release) -> Approval:
    approval = approval_of(
        request, policy, run=this_run(), approver=answer.approver, reason=answer.reason, now=answer.given_at
    )
    record_approval(approval.environment, approval, request, release)
    artifacts.answer(request.bound, answer.decision, answer.approver, answer.reason)
    return approval


def _last_request(environment: str, release: Release) -> Request | None:
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
    return found if found and found.attempt == _attempt() else None


def _answer(request: Request | None) -> Given | None:
    """Answer to *request*, where it is for the plan that was shown and passes the form's rules."""
    stored = retried(answer_to)(this_run(), request) if request else None
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


def _seconds_left(request: Request, policy: ApprovalPolicy, environment: str) -> int:
    left = int(seconds_left(request, policy, datetime.now(UTC)))
    if left > 0:
        return left
    raise Refused(
        f"could not wait longer for an approval in {environment}: no approval within {policy.wait_hours:g} h",
        advice="choose Retry on the run's page, or start a new run: both request a new approval",
    )


def _began() -> datetime | None:
    """Time when the run began; None for a Retry, whose time counts from the request."""
    context = FlowRunContext.get()
    return context.flow_run.start_time if context and context.flow_run and _attempt() == 1 else None


def _line(error: Exception) -> str:
    said = error.message if isinstance(error, AzoraError) else f"{type(error).__name__}: {error}"
    return (said.splitlines() or [type(error).__name__])[0][:300]


def _policy(environment: str) -> ApprovalPolicy:
    policy = environment_called(environment).approval
    if policy is None:
        raise BadInput(
            f"could not request an approval for {environment}: its file has no `approval`",
            advice="add `approval` to the file, or promote without an approval",
        )
    return policy


def _attempt() -> int:
    """Number of starts of the run, resumes aside: a Retry is a new attempt."""
    context = FlowRunContext.get()
    return context.flow_run.run_count if context and context.flow_run else 1
