"""An approval: a person's answer to one plan, and the requests of a run for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from azora.config.environment import ApprovalPolicy
from azora.core.cluster.record import Approval, Question
from azora.core.cluster.state import World
from azora.core.promotion.binding import Bound, bound_of
from azora.core.promotion.goal import Wanted
from azora.core.promotion.plan import Plan
from azora.core.release.release import shown

REASON_LETTERS, REASON_LETTERS_AT_MOST = 8, 1000
NAME_LETTERS, NAME_LETTERS_AT_MOST = 2, 100
# A space at either end is a slip, and spaces alone are no name and no reason. Not `$`: Python takes it for the end before a newline.
NOT_BLANK = r"^\S[\s\S]*\S(?![\s\S])"


class Decision(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


class Request(BaseModel):
    """One request of a run for an answer, as the run's own label keeps it.

    `key` names it to Prefect, which keeps each answer by its key. `first_at` is when the attempt asked first: the time to answer is
    counted from there. `same_since` is when this plan, with these objects, was asked first without a break. `shown` has the digest of
    the rendered objects by Helm release; None: an older version asked.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    attempt: int
    vote: int
    bound: Bound
    first_at: datetime
    same_since: datetime | None = None
    shown: dict[str, str] | None = None

    @property
    def since(self) -> datetime:
        """Time that answers of people of the cluster name; one to an earlier request does not count."""
        return self.same_since or self.first_at

    @property
    def plan(self) -> str:
        """The hash of the plan that it shows."""
        return self.bound.hash


def next_request(
    last: Request | None, plan: Plan, *, attempt: int, now: datetime, shown: Mapping[str, str] | None = None
) -> Request:
    """Request that follows *last* of the same run.

    Every key is new, so that no stored answer counts for it.
    """
    before = last if last and last.attempt == attempt else None
    vote = before.vote + 1 if before else 1
    goes_on = before is not None and (before.plan, before.shown) == (plan.hash, dict(shown or {}))
    return Request(
        key=f"{plan.environment}-{attempt}-{vote}-{plan.hash}",
        attempt=attempt,
        vote=vote,
        bound=plan.bound,
        first_at=before.first_at if before else now,
        same_since=before.since if before and goes_on else now,
        shown=dict(shown or {}),
    )


def shown_to_approver(world: World, wanted: Wanted) -> Mapping[str, str]:
    """Digests of the objects that the approval of this run showed, by Helm release."""
    mine = [yes for yes in world.approvals if (yes.run, yes.release, yes.ended) == (wanted.run, wanted.release, "")]
    return max(mine, key=lambda yes: yes.at).shown if mine else {}


def is_counted(request: Request, run: str, approvals: Iterable[Approval]) -> bool:
    """Return True when the answer to *request* was recorded before: it is not renewed."""
    return any(yes.id == approval_id(run, request) for yes in approvals)


def deadline(request: Request, policy: ApprovalPolicy) -> datetime:
    """Moment until which *request* may be answered."""
    return request.first_at + timedelta(hours=policy.wait_hours)


def seconds_left(request: Request, policy: ApprovalPolicy, now: datetime) -> float:
    """Seconds for which *request* may still be answered."""
    return (deadline(request, policy) - now).total_seconds()


def approval_of(
    request: Request, policy: ApprovalPolicy, *, run: str, approver: str, reason: str, now: datetime
) -> Approval:
    """The consent of *approver* to the plan of *request*."""
    return Approval(
        id=approval_id(run, request),
        run=run,
        environment=request.bound.environment,
        release=request.bound.release,
        plan=request.plan,
        approver=approver,
        reason=reason,
        at=now,
        expires_at=now + timedelta(hours=policy.expires_hours),
        shown=request.shown or {},
    )


def question_of(
    request: Request, policy: ApprovalPolicy, *, run: str, now: datetime, title: str = "", began: datetime | None = None
) -> Question:
    """That *run*, which *began* then, waits for an answer to *request*; *title* is its release's."""
    return Question(
        run=run,
        release=request.bound.release,
        plan=request.plan,
        at=now,
        until=deadline(request, policy),
        key=request.key,
        title=title,
        began=began or request.first_at,
    )


def line_to_copy(run: str, plan: str, program: str = "azora") -> str:
    """The command that approves *plan* of *run* and no other plan; the reason is left to the person."""
    return f"{program} approve {run[:8]} --plan {shown(plan)} -m 'why you approve'"


def approval_id(run: str, request: Request) -> str:
    return f"{run}/{request.key}"


def approval_for(world: World, wanted: Wanted, now: datetime) -> Approval | None:
    """The approval of this run that holds for what the world looks like, and was not used yet."""
    used = {switch.approval for switch in world.switches}
    plan = bound_of(world, wanted).hash
    holds = (
        yes
        for yes in world.approvals
        if (yes.run, yes.plan, yes.ended) == (wanted.run, plan, "") and now < yes.expires_at and yes.id not in used
    )
    return next(holds, None)


def first_approval(world: World, wanted: Wanted) -> Approval | None:
    """Approval by which the router was installed for *wanted*, for the first entry of the log."""
    before = bound_of(replace(world, active=None), wanted).hash
    return next((yes for yes in world.approvals if yes.plan == before), None)


def covers_what_is_left(world: World, wanted: Wanted) -> bool:
    """Return True when the approval by which users came here covers *wanted* as it is read now.

    After the switch the router's objects are still to be applied: not where somebody edited the environment's file meanwhile.
    """
    last = world.last_switch
    if last is None:
        return False
    plan = bound_of(replace(world, active=last.came_from, switches=world.switches[:-1]), wanted).hash
    return any((yes.id, yes.plan) == (last.approval, plan) for yes in world.approvals)


def approved(world: World, wanted: Wanted, now: datetime) -> bool:
    """Return True when users may be moved to *wanted* now."""
    return not wanted.approval_needed or approval_for(world, wanted, now) is not None


def is_frozen(world: World, wanted: Wanted, now: datetime) -> bool:
    """Return True when a freeze keeps *wanted* from its promotion, or may do so."""
    return not world.freezes.known or world.freezes.keeps_out(wanted.release, wanted.run, now) is not None
