"""A person's answer to a plan, and when it counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from azora.environment import ApprovalPolicy
from azora.plan import Plan
from azora.record import Approval, Question

REASON_LETTERS = 8
NAME_LETTERS = 2


class Decision(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


def approval_of(
    plan: Plan, policy: ApprovalPolicy, *, key: str, run: str, approver: str, reason: str, now: datetime
) -> Approval:
    """The yes of *approver* to *plan*. *key* names the question it answers: once per attempt of a run and per vote."""
    return Approval(
        id=f"{run}/{key}",
        run=run,
        environment=plan.environment,
        release=plan.release.id,
        plan=plan.hash,
        bound_to=plan.bound_to,
        approver=approver,
        reason=reason,
        at=now,
        expires_at=now + timedelta(hours=policy.expires_hours),
    )


def question_of(plan: Plan, policy: ApprovalPolicy, *, run: str, now: datetime) -> Question:
    """That *run* waits for an answer to *plan*."""
    return Question(
        run=run, release=plan.release.id, plan=plan.hash, at=now, until=now + timedelta(hours=policy.wait_hours)
    )


def question(environment: str, attempt: int, vote: int) -> str:
    """The key under which Prefect keeps one question and its answer.

    A new attempt of the run (Retry) and a plan that changed while it waited are new questions, so that no old answer
    counts for them.
    """
    return f"{environment}-{attempt}-{vote}"
