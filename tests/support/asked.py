"""A run of the pipeline's account that asks people of a gated shop, without Prefect and Git."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from azora.core.cluster.record import Approval
from azora.core.gate.request import Subject, for_approvers
from azora.core.gate.tally import Tally
from azora.core.promotion.approval import Decision, Request, approval_of, next_request, question_of
from azora.core.promotion.plan import Plan
from azora.core.release.release import Release
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.record_store import questions_of
from azora.operations.approving import Waiting, give, look, must_be_able_to_answer
from azora.operations.counting import tally_now
from azora.operations.record import answers
from tests.support.gated import Gated, deployment, image
from tests.support.plans import planned

NEW = Release(
    application="shop",
    commit="a" * 40,
    subject="Sell more",
    images={"front": image(2)},
    charts_digest="c",
    values_digest="v",
)
DATABASE = image(6)  # in the chart, not built by Azora


@dataclass
class Asking:
    """A run that asks the people of *shop*."""

    shop: Gated
    authors: tuple[str, ...] = ()
    run: str = "1f2e3d4c-0000-4000-8000-000000000001"
    last: Request | None = field(default=None)

    def cluster(self, who: str = "pipeline") -> Cluster:
        """The shop as *who*; with the file of the environment as that person has it."""
        return Cluster(self.shop.of(who))

    @property
    def plan(self) -> Plan:
        return planned(self.cluster().look(), NEW, self.shop.environment, authors=self.authors)

    def ask(self, attempt: int = 1, *, later: timedelta = timedelta()) -> Request:
        """Request an approval as the pipeline's account."""
        plan, now = self.plan, datetime.now(UTC) + later
        self.last = next_request(self.last, plan, attempt=attempt, now=now)
        policy = self.shop.environment.approval
        assert policy
        asked = question_of(self.last, policy, run=self.run, now=now)
        more = for_approvers(self.last, plan, [deployment(NEW.label, image(2), DATABASE)], known=policy.people)
        answers.request(self.cluster(), asked, self.last, NEW, approvers=more)
        return self.last

    def waiting(self, user: str) -> Waiting:
        """The request as *user* sees it."""
        cluster = self.cluster(user)
        (question,) = questions_of(cluster.record.read())
        return look(cluster, question)

    def answer(self, user: str, decision: Decision = Decision.APPROVE, reason: str = "seen on staging") -> Tally:
        """Answer as `azora approve` does, with the rights of *user* alone."""
        waiting = self.waiting(user)
        return give(waiting, decision, reason, must_be_able_to_answer(waiting, decision))

    def subject(self) -> Subject:
        assert self.last
        items = self.waiting("admin").asked.items
        return Subject(self.run, self.last.plan, self.last.bound.policy, self.last.since, items)

    def tally(self, authors: tuple[str, ...] | None = None) -> Tally:
        """The tally as the run has it."""
        return tally_now(self.cluster(), self.subject(), self.authors if authors is None else authors)

    def approve(self) -> Approval:
        """Record the approval of enough people as the run does."""
        assert self.last
        policy, tally = self.shop.environment.approval, self.tally()
        assert policy
        who = ", ".join(voice.who for voice in tally.counted)
        at = max(voice.answer.at for voice in tally.counted)
        approval = approval_of(self.last, policy, run=self.run, approver=who, reason="it is time", now=at)
        answers.approve_by_people(self.cluster(), approval, tally.counted)
        return approval
