"""Tally of a request: whose approvals count, whose do not and why, and whether there are enough."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from azora.config.environment import ApprovalPolicy
from azora.core.gate.approved import Answer, Approved
from azora.core.gate.authors import is_author
from azora.core.gate.request import Subject
from azora.core.promotion.approval import Decision
from azora.core.release.release import shown

CLOCKS_DIFFER = timedelta(minutes=2)


@dataclass(frozen=True)
class Voice:
    """Answer of one person. *why* it does not count; empty where it does, until *expires_at*."""

    who: str
    answer: Answer
    expires_at: datetime
    why: str = ""


@dataclass(frozen=True)
class Tally:
    """Answers to one request. *missing*: items that the cluster refuses, when so many people approved."""

    minimum: int
    voices: tuple[Voice, ...] = ()
    rejections: tuple[Voice, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def counted(self) -> tuple[Voice, ...]:
        """People whose approvals count, in the order of their answers."""
        return tuple(voice for voice in self.voices if not voice.why)

    @property
    def left_out(self) -> tuple[Voice, ...]:
        return tuple(voice for voice in self.voices if voice.why)

    @property
    def still_needed(self) -> int:
        """Number of people who must still approve."""
        return max(self.minimum - len(self.counted), 0)

    @property
    def is_enough(self) -> bool:
        return not (self.rejections or self.still_needed or self.missing)

    @property
    def expires_at(self) -> datetime:
        """Moment from which fewer than the minimum would count. Only where there are enough."""
        return sorted((voice.expires_at for voice in self.counted), reverse=True)[self.minimum - 1]


@dataclass(frozen=True)
class Facts:
    """Facts beside the answers.

    *authors*: addresses of the commits' authors. *used*: answers up to then were used up by an earlier approval of this run. *heads*:
    those of the record, for whoever read it; an answer must name one of them.
    """

    now: datetime
    authors: Collection[str] = ()
    used: datetime | None = None
    heads: Collection[str] | None = None


def tally_of(approved: Approved, subject: Subject, policy: ApprovalPolicy, facts: Facts) -> Tally:
    """Count the answers of *approved* to the request *subject*."""
    rejections, voices = [], []
    for who, answer in _one_each(approved, subject):
        voice = Voice(who, answer, _end(answer, policy), _of_another(answer, subject, facts.used))
        if answer.decision is Decision.APPROVE:
            why = voice.why or _of_person(voice, policy, facts) or _of_content(voice, approved, subject, facts)
            voices.append(replace(voice, why=why))
        elif not voice.why:
            rejections.append(voice)
    found = Tally(policy.minimum, tuple(voices), tuple(rejections))
    return found if found.still_needed else replace(found, missing=approved.missing(subject.items, policy.minimum))


def _one_each(approved: Approved, subject: Subject) -> list[tuple[str, Answer]]:
    """Answer of each person to the run: the one to this plan, else the newest; in the order of time."""
    best: dict[str, Answer] = {}
    for who, answer in approved.answers():
        if answer.run == subject.run:
            best[who] = max(best.get(who, answer), answer, key=lambda one: (one.plan == subject.plan, one.at))
    return sorted(best.items(), key=lambda item: item[1].at)


def _of_another(answer: Answer, subject: Subject, used: datetime | None) -> str:
    """Why *answer* is to another request; empty where it is to this one."""
    if answer.plan != subject.plan:
        return f"it is to plan {shown(answer.plan)}"
    if answer.asked != subject.since:
        return "it is to an earlier request of the run"
    if used and answer.at <= used:
        return "it was used up by an earlier attempt of the run"
    return ""


def _of_person(voice: Voice, policy: ApprovalPolicy, facts: Facts) -> str:
    """Why this person's approval does not count now, whatever it approves; empty where it does."""
    if not _may_approve(voice.who, policy):
        return "the environment's file does not name that person"
    if policy.excludes_authors and is_author(voice.who, facts.authors, policy.people):
        return "that person wrote one of the commits"
    if facts.now >= voice.expires_at:
        return f"it expired at {voice.expires_at:%Y-%m-%d %H:%M} UTC"
    return "its time is in the future" if voice.answer.at > facts.now + CLOCKS_DIFFER else ""


def _of_content(voice: Voice, approved: Approved, subject: Subject, facts: Facts) -> str:
    """Why the content of the approval does not count; empty where it does."""
    if voice.answer.policy != subject.policy:
        return "the environment's file changed"
    if any(not approved.stands(item) and voice.who not in approved.people(item) for item in subject.items):
        return "it covers only some of the images"
    another = facts.heads is not None and voice.answer.head not in facts.heads
    return "it names another record than this one" if another else ""


def _end(answer: Answer, policy: ApprovalPolicy) -> datetime:
    """Expiry: the person's machine wrote one, and cannot make it later than the file has it."""
    return min(answer.expires_at, answer.at + timedelta(hours=policy.expires_hours))


def _may_approve(who: str, policy: ApprovalPolicy) -> bool:
    """Return False for a person who lost the right since; only the cluster knows its groups."""
    return bool(policy.approvers.groups) or who in policy.approvers.users
