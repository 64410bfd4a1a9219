"""Request for an approval as people of the cluster read it: from the record, without Secrets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from azora.config.environment import Environment
from azora.core.cluster.record import ProofRecord
from azora.core.cluster.state import World
from azora.core.gate.pod_images import digests_of, images_of, items_of
from azora.core.messages.foreign_text import line
from azora.core.promotion.approval import Request
from azora.core.promotion.binding import BOUND, Bound, policy_digest
from azora.core.promotion.plan import Change, Plan
from azora.core.record.chain import Head
from azora.core.record.entry import hash_of, number_of, readable
from azora.core.record.events import Commits, ForApprovers, Requested
from azora.core.release.release import Release, digest, shown
from azora.errors import BadInput

SHOWN_COMMITS, COMMIT_LETTERS = 10, 120
MOST_AUTHORS = 100  # an entry of the record is small; the run itself counts all of them


@dataclass(frozen=True)
class Subject:
    """Subject of answers.

    *since* is the time of the request, *policy* the digest of the environment's file.
    """

    run: str
    plan: str
    policy: str
    since: datetime
    items: tuple[str, ...]


@dataclass(frozen=True)
class ForPeople:
    """One request, as the record has it. *head*: of the record when it was read."""

    run: str
    bound: Bound
    release: Release
    until: datetime
    more: ForApprovers
    head: Head

    @property
    def plan(self) -> str:
        return self.bound.hash

    @property
    def items(self) -> tuple[str, ...]:
        """Items that an approval covers: the release's label, and digests of all images."""
        label, *built = items_of(self.release)
        return label, *sorted({*built, *digests_of(self.more.images)})

    @property
    def subject(self) -> Subject:
        return Subject(self.run, self.plan, self.bound.policy, self.more.since, self.items)

    def now(self, environment: Environment, world: World) -> Bound:
        """Binding as it is now in *world*, by the own file of the *environment*.

        Digest of the router and migrations to run are the request's own: they follow from the release and from what is active.
        """
        stack = world.active_stack
        return replace(
            self.bound,
            environment=environment.name,
            release=self.release.id,
            policy=policy_digest(environment),
            active=world.active,
            serves=stack.release if stack else None,
            switch=world.last_switch.number if world.last_switch else 0,
        )


def for_approvers(
    request: Request, plan: Plan, objects: Iterable[dict[str, Any]], known: Iterable[str] = ()
) -> ForApprovers:
    """Part of *request* that its record adds for people of the cluster.

    *objects* are rendered. *known* addresses of authors come first where there are more than an entry holds.
    """
    built = set(plan.release.images.values())
    first = {one.casefold() for one in known}
    return ForApprovers(
        since=request.since,
        objects=plan.objects,
        images=tuple(image for image in images_of(objects) if "@" in image and image not in built),
        authors=tuple(sorted(plan.authors, key=lambda one: one.casefold() not in first)[:MOST_AUTHORS]),
        proof=_proof(plan.proof),
        on_main=plan.on_main,
        gained=_commits(plan.changes),
        lost=Commits(number=None) if plan.lost is None else _commits(plan.lost),
        evidence=plan.evidence,
    )


def request_in(lines: Iterable[str], run: str, plan: str) -> ForPeople | None:
    """Newest request of *run* for *plan* in the record's *lines*; None without one for people.

    Raises:
        BadInput: its contents do not have the hashes that it names.
    """
    kept = list(lines)
    for text in reversed(kept):
        (entry,) = readable([text]) or (None,)
        if entry and isinstance(entry.event, Requested) and (entry.run, entry.event.plan) == (run, plan):
            return _read(entry.event, run, Head(number_of(kept[-1]), hash_of(kept[-1])))
    return None


def _read(asked: Requested, run: str, head: Head) -> ForPeople | None:
    if asked.approvers is None:
        return None
    release = Release.model_validate({**asked.contents, "subject": asked.subject})
    found = ForPeople(run, BOUND.validate_python(asked.bound), release, asked.until, asked.approvers, head)
    if digest(asked.bound) != asked.plan or release.id != asked.release or found.bound.release != asked.release:
        raise BadInput(
            f"could not read the request of run {run[:8]}: its contents are not those of plan {shown(asked.plan)}",
            advice="do not approve it: somebody changed the record; `azora verify ENV` names the entry",
        )
    return found


def _proof(proof: ProofRecord | None) -> str:
    return f"{proof.summary or 'passed'}, {proof.at:%Y-%m-%d %H:%M} UTC, run {proof.run[:8]}" if proof else "none"


def _commits(changes: tuple[Change, ...]) -> Commits:
    newest = (f"{one.short} {one.subject} ({one.author})" for one in changes[:SHOWN_COMMITS])
    return Commits(number=len(changes), newest=tuple(line(text, COMMIT_LETTERS) for text in newest))
