"""Notifications to people: a plan that waits, users moved or moved back, a nightly run that failed.

Plain text, short enough for every provider; the run's page has the rest. Foreign text is on one line, an error on its own lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Literal

from azora.core.cluster.record import Receipt, Switch
from azora.core.cluster.state import World
from azora.core.messages.foreign_text import line, lines
from azora.core.messages.listing import capped
from azora.core.messages.plan_page import SHOWN_COMMITS
from azora.core.promotion.approval import line_to_copy
from azora.core.promotion.plan import Change, Plan, counted
from azora.core.record.events import Frozen, Overridden
from azora.core.record.seen import News
from azora.core.release.release import shown

ERROR_CHARACTERS = 600


@dataclass(frozen=True)
class Notice:
    """One message; `kind` is the color or sign that a provider gives it."""

    title: str
    text: str
    kind: Literal["info", "success", "warning", "failure"]


@dataclass(frozen=True)
class Night:
    """One finished nightly run. `steps` are the failed ones; `commit` is empty where none was found."""

    at: datetime
    went_well: bool
    link: str
    commit: str = ""
    steps: tuple[str, ...] = ()
    error: str = ""
    run: str = ""

    @property
    def where(self) -> str:
        return f"at {', '.join(map(line, self.steps))}" if self.steps else "between its steps"


def waiting(plan: Plan, link: str, run: str, *, by_people: bool = False) -> Notice:
    """Notification of an approval request: the plan in short, and how to answer.

    *by_people*: people whom the cluster knows answer with their own user; the run's page approves nothing.
    """
    release = plan.release
    told = [
        f"active after the switch: {plan.preview}, {release.title}",
        f"active now: {plan.active or 'none'}{f', {plan.runs_now}' if plan.runs_now else ''}",
        f"proof: {line(plan.proof.summary) or 'passed' if plan.proof else 'none'}",
        *_migrations(plan),
        *_warnings(plan),
        *(["the commit is not on the main branch"] if plan.on_main is False else []),
        f"{counted(len(plan.images), 'changed image')}, {_commits(plan)}",
        *_listed(plan.changes),
        f"the run waits: {link}" if by_people else f"to answer, choose Resume: {link}",
        f"{'to approve' if by_people else 'or'} run: {line_to_copy(run, plan.hash)}",
    ]
    return Notice(
        f"{plan.environment} waits for an approval: {line(release.subject) or release.short}",
        "\n".join(told),
        "warning",
    )


def of_switch(environment: str, world: World, *, run: str, link: str) -> Notice | None:
    """Notification of the newest switch, once it was judged; None where *run* did not make it."""
    last = world.last_switch
    receipt = world.receipt_of(last.number) if last else None
    if last is None or receipt is None or last.by != run:
        return None
    if last.kind == "return":
        return _gone_back(environment, world, last, receipt, link)
    if receipt.verdict == "bad":
        title = f"{environment} stays on a bad release: {world.title_of(last)}"
        return _told(title, "failure", _reason(receipt), _requests(receipt), link)
    return _told(
        f"{environment} runs {world.title_of(last)}",
        "success",
        f"switch {last.number}: users went from {last.came_from or 'nowhere'} to {last.to} at {last.at:%H:%M:%S} UTC",
        counts(last, receipt),
        *(
            f"approved by {line(yes.approver)}: {line(yes.reason)}"
            for yes in world.approvals
            if yes.id == last.approval
        ),
        link,
    )


def of_news(environment: str, one: News) -> Notice | None:
    """Notification of a freeze, its end, or an override; None for other acts."""
    who = f"by {line(one.who)}: {line(one.why)}"
    match one.event:
        case Frozen(until=None):
            return Notice(f"the freeze of {environment} is lifted", who, "info")
        case Frozen(until=until):
            return Notice(f"{environment} is frozen until {until:%Y-%m-%d %H:%M} UTC", who, "info")
        case Overridden(rule="freeze", where=subject):
            return Notice(f"{shown(line(subject))} may be promoted in the freeze of {environment}", who, "warning")
        case Overridden(where=where, release=release):
            runs = f"release {shown(release)}" if release else "no release is named"
            title = f"the gate of {environment} was overridden: {line(where)}"
            return _told(title, "failure", who, runs, "the next approved promotion ends it")
    return None


def counts(switch: Switch, receipt: Receipt) -> str:
    """Format the requests around a switch; empty where nothing was counted."""
    return f"{_requests(receipt)}{_times(switch, receipt)}"


def last_good(nights: Sequence[Night]) -> Night | None:
    """The newest of *nights* (newest first) that went well."""
    return next((night for night in nights if night.went_well), None)


def of_the_night(nights: Sequence[Night], changes: Sequence[Change] = ()) -> Notice | None:
    """Notification of a nightly run, the first of *nights* (newest first); None for a repeated success.

    The first failure is told in full, with *changes*: the commits since the last good night. The next ones of the same steps
    are a line, and so is the first good night after them.
    """
    now, before = nights[0], nights[1:]
    red = list(takewhile(lambda night: not night.went_well, before))
    if now.went_well:
        return _recovered(now, red) if red else None
    same = list(takewhile(lambda night: night.steps == now.steps, red))
    return _still_failing(now, same) if same else _failed(now, last_good(before), changes)


def _failed(now: Night, good: Night | None, changes: Sequence[Change]) -> Notice:
    known = f"since the last good nightly run, {good.at:%Y-%m-%d}: " if good else "no nightly run succeeded before"
    told = counted(len(changes), "new commit") if now.commit and good and good.commit else "commits unknown"
    return _told(
        f"the nightly run failed {now.where}",
        "failure",
        lines(now.error, ERROR_CHARACTERS),
        f"{known}{told}" if good else known,
        *_listed(changes),
        now.link,
    )


def _still_failing(now: Night, before: Sequence[Night]) -> Notice:
    since = f"failing since {before[-1].at:%Y-%m-%d}, on {_days([now, *before])}"
    return _told(f"the nightly run still fails {now.where}", "warning", since, now.link)


def _recovered(now: Night, before: Sequence[Night]) -> Notice:
    said = f"failed since {before[-1].at:%Y-%m-%d}, on {_days(before)}, last {before[0].where}"
    return _told("the nightly run succeeds again", "success", said, now.link)


def _days(nights: Sequence[Night]) -> str:
    """Count the days of *nights*: a day may have several runs."""
    return counted(len({night.at.date() for night in nights}), "day")


def _gone_back(environment: str, world: World, last: Switch, own: Receipt, link: str) -> Notice:
    bad = world.receipt_of(last.number - 1) or own
    stays = f"users are on {last.to} again: {world.title_of(last)}"
    left = [world.title_of(switch) for switch in world.switches if switch.number == last.number - 1]
    title = f"{environment} was rolled back automatically from {left[0] if left else last.to.other}"
    return _told(title, "failure", _reason(bad), _requests(bad), stays, link)


def _told(title: str, kind: Literal["success", "warning", "failure"], *said: str) -> Notice:
    return Notice(title, "\n".join(filter(None, said)), kind)


def _reason(receipt: Receipt) -> str:
    return f"reason: {line(receipt.reason, ERROR_CHARACTERS)}"


def _requests(receipt: Receipt) -> str:
    return f"{counted(receipt.total, 'request')} around the switch, {receipt.failed} failed" if receipt.total else ""


def _times(switch: Switch, receipt: Receipt) -> str:
    """Seconds after the switch."""
    seen = (
        (f"first on {switch.to}", receipt.first_on_new_seconds),
        ("last on the old color", receipt.last_on_old_seconds),
    )
    return "".join(f"; {what} {seconds:+.3f} s" for what, seconds in seen if seconds is not None)


def _warnings(plan: Plan) -> list[str]:
    frozen = [f"frozen {plan.freeze.text}"] if plan.freeze and plan.is_frozen else []
    return [*frozen, *(f"override in force: {one.text}" for one in plan.overrides)]


def _migrations(plan: Plan) -> list[str]:
    if not plan.migrations:
        return []
    named = ", ".join(f"{migration.phase} {line(migration.revision)}" for migration in plan.migrations)
    contracts = any(migration.phase == "contract" for migration in plan.migrations)
    return [f"migrations: {named}{'; no rollback past them' if contracts else ''}"]


def _commits(plan: Plan) -> str:
    if plan.lost is None:
        return "commits unknown: the commit of the active release is unknown"
    lost = f"; users would lose {counted(len(plan.lost), 'commit')}" if plan.lost else ""
    return f"{counted(len(plan.changes), 'new commit').lower()}{lost}"


def _listed(changes: Sequence[Change]) -> list[str]:
    lines = [f"{change.short} {line(change.subject)} ({line(change.author)})" for change in changes]
    return capped(lines, SHOWN_COMMITS, bullet="- ")
