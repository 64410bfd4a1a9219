"""Answer of a person of the cluster to a waiting run, with that person's own user."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from azora.config.environment import ApprovalPolicy, Environment, environments, load_environment
from azora.config.identity import of_person
from azora.config.settings import Settings
from azora.core.cluster.freeze import DIGITS
from azora.core.cluster.record import Question
from azora.core.cluster.state import World
from azora.core.gate.approved import Answer
from azora.core.gate.authors import is_author
from azora.core.gate.pod_images import digests_of
from azora.core.gate.request import ForPeople, request_in
from azora.core.gate.tally import Tally
from azora.core.messages.request_page import page
from azora.core.promotion.approval import Decision
from azora.errors import AzoraError, Refused
from azora.gateways.kubernetes.access_review import may_approve, user_of
from azora.gateways.kubernetes.approved_store import approved_of, write_approved
from azora.gateways.kubernetes.cluster import Cluster, connect
from azora.gateways.kubernetes.gate import in_use
from azora.gateways.kubernetes.record_store import questions_of
from azora.operations.counting import policy_of, tally_now
from azora.operations.gate_check import must_be_as_the_file


@dataclass(frozen=True)
class Waiting:
    """A run that waits for people of the cluster, as one of them sees it now."""

    cluster: Cluster
    asked: ForPeople
    world: World
    tally: Tally

    @property
    def environment(self) -> Environment:
        return self.cluster.namespace.environment

    @property
    def policy(self) -> ApprovalPolicy:
        return policy_of(self.cluster)

    @property
    def page(self) -> str:
        """Markdown: the plan from a fresh look."""
        stack = self.world.active_stack
        stored = {one.id: one for one in self.cluster.record.releases()}
        running = stored.get(stack.release or "") if stack else None
        known = approved_of(self.cluster.namespace)
        new = [image for image in self.asked.more.images if known.missing(digests_of([image]), self.policy.minimum)]
        return page(
            self.asked,
            self.world,
            self.tally,
            self.policy,
            running=running.images if running else {},
            new=new,
            now=self.cluster.namespace.api.clock(),
        )


def find_waiting(run: str, settings: Settings) -> tuple[tuple[Cluster, Question] | None, list[AzoraError]]:
    """Find the request of *run*, an id or its first 8 digits at least, behind a gate; and errors.

    Raises:
        Refused: the first digits are those of several runs.
    """
    found: list[tuple[Cluster, Question]] = []
    errors: list[AzoraError] = []
    for environment in gated(settings):
        try:
            cluster = connect(environment, settings, of_person(environment, settings))
            found += [(cluster, one) for one in questions_of(cluster.record.read()) if _is_named(one, run)]
        except AzoraError as error:
            errors.append(error)
    if len(found) > 1:
        names = ", ".join(f"{one.run} ({cluster.namespace.environment.name})" for cluster, one in found)
        raise Refused(
            f"could not choose a run: several begin with {run!r}: {names}", advice="give more digits of its id"
        )
    return (found[0] if found else None), errors


def _is_named(question: Question, run: str) -> bool:
    """Return True for the first digits of its run; fewer than 8 could be those of any."""
    return len(run) >= DIGITS and question.run.startswith(run.lower())


def gated(settings: Settings) -> list[Environment]:
    """Environments whose approvals the cluster enforces."""
    known = (load_environment(name, settings.environments) for name in environments(settings.environments))
    return [environment for environment in known if environment.has_a_gate]


def look(cluster: Cluster, question: Question) -> Waiting:
    """Compute the plan of *question* again from the cluster, with no right to read Secrets.

    Raises:
        Refused: the request is void: the plan is another one now, nobody waits any more, a newer request replaced it, or the cluster
            enforces another file.
    """
    if newer := question.replaced:
        raise Refused(
            f"could not answer run {question.run[:8]}: run {newer.run[:8]} began later, and requests an approval here",
            advice=f"answer the newer request: `azora approve {newer.run[:8]}`",
        )
    must_be_as_the_file(cluster)
    environment = cluster.namespace.environment
    asked = cluster.log.find(lambda lines: request_in(lines, question.run, question.plan))
    if asked is None:
        raise Refused(
            f"could not find the request of run {question.run[:8]} in the record of {environment.name}",
            advice="an older version of Azora made it, or somebody changed the record: choose Resume on the run's page",
        )
    world = cluster.look(with_helm=False)
    if changed := asked.bound.differences(asked.now(environment, world)):
        raise Refused(
            f"could not use the request of run {question.run[:8]}: {'; '.join(changed)}",
            advice="choose Resume on the run's page: the run then requests an approval of the plan as it is now",
        )
    if asked.until <= cluster.namespace.api.clock():
        raise Refused(
            f"could not answer run {question.run[:8]}: it waited until {asked.until:%Y-%m-%d %H:%M} UTC",
            advice="start the release again",
        )
    return Waiting(cluster, asked, world, tally_now(cluster, asked.subject, asked.more.authors))


def must_be_able_to_answer(waiting: Waiting, decision: Decision) -> str:
    """Name of the person whose kubeconfig is in use.

    Raises:
        Refused: that person has no right to approve, or wrote one of the commits.
    """
    namespace = waiting.cluster.namespace
    user = user_of(namespace.api)
    if not may_approve(namespace.api, namespace.name):
        raise Refused(
            f"could not answer as {user!r}: this user has no right to approve in {waiting.environment.name}",
            advice="use the kubeconfig of an approver (AZORA_KUBECONFIG, AZORA_KUBE_CONTEXT); the environment's file names them",
        )
    policy = waiting.policy
    if (
        decision is Decision.APPROVE
        and policy.excludes_authors
        and is_author(user, waiting.asked.more.authors, policy.people)
    ):
        raise Refused(
            f"could not approve as {user!r}: this person wrote one of the commits",
            advice=f"somebody else approves: {', '.join((*policy.approvers.users, *policy.approvers.groups))}",
        )
    return user


def give(waiting: Waiting, decision: Decision, reason: str, user: str) -> Tally:
    """Write the answer of *user*, who saw the plan; returns the tally with it.

    Own lines that are for nothing any more are removed.

    Raises:
        Refused: the cluster's policies refuse it to this user.
    """
    cluster, asked = waiting.cluster, waiting.asked
    now, keep = cluster.namespace.api.clock(), in_use(cluster.namespace)
    answer = Answer(
        decision=decision,
        plan=asked.plan,
        run=asked.run,
        environment=waiting.environment.name,
        release=asked.release.id,
        policy=asked.bound.policy,
        reason=reason,
        asked=asked.more.since,
        at=now,
        expires_at=now + timedelta(hours=waiting.policy.expires_hours),
        head=str(asked.head),
        items=asked.items if decision is Decision.APPROVE else (),
    )
    write_approved(cluster.namespace, lambda found: found.with_answer(answer, user).pruned(user, keep, now))
    return tally_now(cluster, asked.subject, asked.more.authors)
