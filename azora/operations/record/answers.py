"""Requests for an approval and their answers: what counts now, and the entries of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Literal

from azora.core.cluster.record import Approval, Question
from azora.core.gate.tally import Voice
from azora.core.promotion.approval import Request
from azora.core.record.chain import Head
from azora.core.record.entry import hash_of, readable
from azora.core.record.events import Approved, Ended, Expired, ForApprovers, Rejected, Requested
from azora.core.release.release import Release
from azora.gateways.kubernetes.cluster import Cluster
from azora.operations.record.writing import write


def request(
    cluster: Cluster,
    asked: Question,
    request: Request,
    release: Release,
    *,
    began: datetime | None = None,
    approvers: ForApprovers | None = None,
) -> Head | None:
    """Write that a run waits for an answer; returns the head that its person sees.

    No namespace is created before an approval: the record then begins with the approval. *approvers*: what people of the cluster read.
    """
    if not cluster.namespace.exists():
        return None
    head = _requested(cluster, request, release, asked.run, until=asked.until, began=began, approvers=approvers)
    cluster.record.add_question(asked)
    return head


def _requested(
    cluster: Cluster, request: Request, release: Release, run: str, *, until: datetime, began: datetime | None = None,
    at: datetime | None = None, approvers: ForApprovers | None = None,
) -> Head:  # fmt: skip
    event = Requested(
        key=request.key,
        release=release.id,
        plan=request.plan,
        bound=asdict(request.bound),
        contents=release.model_dump(mode="json", exclude={"subject", "migrations"}),
        subject=release.subject,
        until=until,
        began=began,
        approvers=approvers,
    )
    return write(cluster, event, who=run, run=run, at=at)


def seen(cluster: Cluster, plan: str, run: str, since: datetime | None = None) -> Head | None:
    """Head of the record as the newest request of *run* for *plan* showed it; None without an entry.

    *since*: only of the request that people of the cluster answer by that time.
    """
    return cluster.log.find(lambda lines: _seen_in(lines, plan, run, since))


def _seen_in(lines: Sequence[str], plan: str, run: str, since: datetime | None) -> Head | None:
    for line in reversed(lines):
        (entry,) = readable([line]) or (None,)
        if entry and isinstance(entry.event, Requested) and (entry.event.plan, entry.run) == (plan, run):
            if since and not (entry.event.approvers and entry.event.approvers.since == since):
                return None
            return Head(entry.number, hash_of(line))
    return None


def go_on(cluster: Cluster, asked: Question, since: datetime) -> Head | None:
    """Keep the request *asked* of people of the cluster waiting, by its one entry of *since*.

    Returns the head that its people see; None where the record has no such request.
    """
    head = seen(cluster, asked.plan, asked.run, since)
    if head:
        cluster.record.renew_question(asked)
    return head


def approve(cluster: Cluster, approval: Approval, request: Request, release: Release, *, until: datetime) -> None:
    """Write an approval of a form; its entry comes first, and names the head that its person saw."""
    saw = seen(cluster, request.plan, approval.run)
    if saw is None:  # there was no namespace yet
        _requested(cluster, request, release, approval.run, until=until, at=request.first_at)
    event = _approved(approval, approval.at, str(saw or ""))
    write(cluster, event, who=approval.approver, run=approval.run, why=approval.reason)
    _keep(cluster, approval)


def approve_by_people(cluster: Cluster, approval: Approval, voices: Sequence[Voice]) -> None:
    """Write an approval that people of the cluster gave together: an entry for each, then what counts."""
    for voice in voices:
        event = _approved(approval, voice.answer.at, voice.answer.head, by="cluster")
        write(cluster, event, who=voice.who, run=approval.run, why=voice.answer.reason)
    _keep(cluster, approval)


def _approved(approval: Approval, given_at: datetime, saw: str, by: Literal["form", "cluster"] = "form") -> Approved:
    return Approved(
        approval=approval.id,
        release=approval.release,
        plan=approval.plan,
        given_at=given_at,
        expires_at=approval.expires_at,
        saw=saw,
        by=by,
    )


def _keep(cluster: Cluster, approval: Approval) -> None:
    for old in cluster.record.add_approval(approval):
        expired = Expired(what="approval", release=old.release, plan=old.plan, approval=old.id)
        write(cluster, expired, who=old.run, run=old.run)


def reject(cluster: Cluster, request: Request, run: str, *, who: str, why: str, at: datetime, saw: str = "") -> None:
    """Write a rejection, where there is a record.

    *saw*: head that its person named; empty: that of the request.
    """
    if head := seen(cluster, request.plan, run):
        event = Rejected(release=request.bound.release, plan=request.plan, given_at=at, saw=saw or str(head))
        write(cluster, event, who=who, run=run, why=why)


def end(cluster: Cluster, run: str, how: str, *, before: datetime | None = None) -> None:
    """The approvals of *run* count no more, or those given *before* a moment."""
    for one in cluster.record.end_approvals(run, how, before=before):
        write(cluster, Ended(approval=one.id, release=one.release), who=run, run=run, why=how)


def close(cluster: Cluster, asked: Question) -> None:
    """Remove a request that nobody can answer any more: its run is over or gone."""
    gone = Expired(what="request", release=asked.release, plan=asked.plan)
    write(cluster, gone, who=asked.run, run=asked.run, why="its run is finished or deleted", at=datetime.now(UTC))
    cluster.record.remove_question(asked.run)
