"""Page of evidence of an approval request. Where it cannot be made, the request goes on without it."""

from __future__ import annotations

from dataclasses import replace

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from azora.config.settings import settings
from azora.core.messages.evidence.file_name import file_name
from azora.core.messages.evidence.page import page
from azora.core.promotion.approval import Request, deadline, line_to_copy
from azora.core.promotion.plan import Plan
from azora.errors import AzoraError
from azora.gateways.prefect.runs import page_of
from azora.operations.evidence import evidence_of, publish_page
from azora.operations.promotion.shown import Shown
from tasks.approval_requests import policy_of
from tasks.context import context_of, this_run
from tasks.retries import if_transient


def with_evidence(plan: Plan, request: Request, shown: Shown, changed: list[str]) -> Plan:
    """*plan* with the address of its page, or with the reason why it has none."""
    try:
        return replace(plan, evidence=publish_evidence(plan.environment, plan, request, shown, changed))
    except (AzoraError, OSError, ValueError) as error:
        why = error.message if isinstance(error, AzoraError) else str(error)
        get_run_logger().warning("%s: the request has no page of evidence: %s", plan.environment, why)
        return replace(plan, no_evidence=why)


@task(
    task_run_name="{environment}: publish evidence",
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=if_transient,
    cache_policy=NO_CACHE,
)
def publish_evidence(environment: str, plan: Plan, request: Request, shown: Shown, changed: list[str]) -> str:
    """Make the page of *request* and bring it to the report server; returns its address."""
    found = evidence_of(
        context_of(environment, plan.release),
        plan,
        shown,
        run_page=page_of(this_run()),
        command=line_to_copy(this_run(), plan.hash),
        until=deadline(request, policy_of(environment)),
        changed=changed,
    )
    name = file_name(environment, request.attempt, request.vote)
    return publish_page(page(found), name, this_run(), settings())
