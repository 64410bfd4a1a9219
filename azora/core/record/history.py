"""History: the entries of one request or act as one line, and the time that each part took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from azora.core.cluster.record import Receipt, Switch
from azora.core.record.entry import Entry
from azora.core.record.events import (
    GATE,
    OFF,
    Approved,
    Ended,
    Expired,
    Frozen,
    Overridden,
    PolicyChanged,
    PreviewRemoved,
    Received,
    Refused,
    Rejected,
    Requested,
    Superseded,
    Switched,
    Switching,
)

NOT_MADE, SUPERSEDED, REMOVED = "not made", "superseded", "; its preview was removed"
MOVED = {"rollback": "rolled back", "return": "returned automatically", "switch": "switched manually"}


@dataclass(frozen=True)
class Act:
    """One request with all that followed, or one act without a request.

    *asked*, *answered*, *ended*: when a person was asked, answered, and when the last machine was done. *entries*: first and last
    number in the record.
    """

    what: str
    began: datetime
    entries: tuple[int, int]
    outcome: str
    run: str = ""
    release: str = ""
    commit: str = ""
    plan: str = ""
    people: tuple[str, ...] = ()
    why: str = ""
    switch: int | None = None
    asked: datetime | None = None
    answered: datetime | None = None
    ended: datetime | None = None
    receipt: Receipt | None = None

    @property
    def waiting(self) -> timedelta | None:
        """Time for which people were waited for; None while they are, and where nobody was asked."""
        return self.answered - self.asked if self.asked and self.answered else None

    @property
    def working(self) -> timedelta | None:
        """Time of the machines: from the run's begin to the request, and from the answer to the end."""
        if self.ended is None:
            return None
        return self.ended - self.began - (self.waiting or timedelta())


def history_of(entries: Iterable[Entry]) -> list[Act]:
    """Each act in the order in which they began."""
    acts: list[Act] = []
    for entry in entries:
        place = next((at for at in reversed(range(len(acts))) if _belongs(entry, acts[at])), None)
        if place is None:
            acts += [_anew(act, acts) for act in _new(entry)]
        else:
            acts[place] = _after(replace(acts[place], entries=(acts[place].entries[0], entry.number)), entry)
    return [_replaced(act, acts[number + 1 :]) for number, act in enumerate(acts)]


def _belongs(entry: Entry, act: Act) -> bool:
    """Return True when *entry* continues *act*."""
    of_run = act.what == "promotion" and act.run == entry.run
    match entry.event:
        case Requested(plan=plan):
            found = of_run and act.plan == plan and act.switch is None and not act.outcome.startswith(SUPERSEDED)
        case Approved(plan=plan) | Rejected(plan=plan) | Expired(plan=plan) | Superseded(plan=plan):
            found = of_run and act.plan == plan
        case Ended():
            found = of_run and act.answered is not None
        case PreviewRemoved(release=release):
            found = of_run and act.release == release
        case Switching(switch=switch):
            found = of_run and _promotes(switch) and (act.switch is None or act.outcome == NOT_MADE)
        case Switched(switch=switch):
            found = act.switch == switch.number and act.what == _name(switch)
        case Received(receipt=receipt):
            found = act.switch == receipt.number
        case _:
            found = False
    return found


def _promotes(switch: Switch) -> bool:
    return switch.kind in {"first", "promotion"}


def _name(switch: Switch) -> str:
    return "promotion" if _promotes(switch) else switch.kind


def _new(entry: Entry) -> Iterator[Act]:
    """The act that begins with *entry*; none for an entry that only ends one from before the record."""
    here = (entry.number, entry.number)
    match entry.event:
        case Requested() as asked:
            yield Act(
                "promotion", asked.began or entry.at, here, "waits for an approval", entry.run, asked.release,
                str(asked.contents.get("commit", "")), asked.plan, why=asked.subject, asked=entry.at,
            )  # fmt: skip
        case Switching(switch=switch) | Switched(switch=switch):
            act = Act(_name(switch), switch.at, here, NOT_MADE, entry.run, switch.release, switch.commit,
                      people=_person(entry), why=entry.why)  # fmt: skip
            yield _after(act, entry)
        case Refused(what=what, release=release, plan=plan):
            yield Act(
                what, entry.at, here, "refused", entry.run, release, plan=plan, people=_person(entry), why=entry.why
            )
        case Frozen(until=until):
            yield _single(entry, "freeze", f"until {until:%Y-%m-%d %H:%M} UTC" if until else "lifted")
        case Overridden(rule=rule, release=release, where=where):
            outcome = f"{where} changed without an approval" if rule == "gate" else f"{where} may go in the freeze"
            yield replace(_single(entry, "override", outcome), release=release)
        case PolicyChanged() as changed:
            yield _single(entry, "policy", _policy(changed))
        case _:
            pass


def _policy(changed: PolicyChanged) -> str:
    if changed.what == GATE and OFF in {changed.before, changed.after}:
        return f"{GATE} is {OFF if changed.after == OFF else 'on'}"
    return f"{changed.what} changed"


def _single(entry: Entry, what: str, outcome: str) -> Act:
    return Act(what, entry.at, (entry.number, entry.number), outcome, entry.run, people=_person(entry), why=entry.why)


def _person(entry: Entry) -> tuple[str, ...]:
    """The person of *entry*; nobody where a run acts by itself."""
    return () if entry.who in {"", entry.run} else (entry.who,)


def _after(act: Act, entry: Entry) -> Act:
    """*act* after *entry*, which belongs to it."""
    match entry.event:
        case Approved() as approved:
            people = (*act.people, *(who for who in (entry.who,) if who not in act.people))
            return replace(act, people=people, why=entry.why, answered=approved.given_at, outcome="approved")
        case Rejected(given_at=at):
            return replace(act, people=(entry.who,), why=entry.why, answered=at, ended=at, outcome="rejected")
        case Ended() if act.switch is None:
            return replace(act, outcome=f"failed: {entry.why}" if entry.why else "failed", ended=entry.at)
    return _after_switch(_given_up(act, entry), entry)


def _given_up(act: Act, entry: Entry) -> Act:
    match entry.event:
        case Expired(what=what):
            outcome = "not answered" if what == "request" else "approved too long ago"
            return replace(act, outcome=outcome, ended=entry.at if act.answered else None)
        case Superseded():
            return replace(act, outcome=SUPERSEDED, why=entry.why)
        case PreviewRemoved():
            return replace(act, outcome=f"{act.outcome}{REMOVED}")
    return act


def _after_switch(act: Act, entry: Entry) -> Act:
    match entry.event:
        case Switching(switch=switch):
            return replace(act, switch=switch.number, outcome=NOT_MADE)
        case Switched(switch=switch, seconds=seconds):
            end = switch.at + timedelta(seconds=seconds or 0)
            return replace(act, switch=switch.number, outcome=MOVED.get(switch.kind, "switched"), ended=end)
        case Received(receipt=receipt):
            bad = f"bad: {receipt.reason}" if receipt.reason else "bad"
            good = act.outcome if act.what != "promotion" else "promoted"
            return replace(act, receipt=receipt, outcome=good if receipt.verdict == "good" else bad, ended=entry.at)
    return act


def _anew(act: Act, before: list[Act]) -> Act:
    """*act*, where its run requested *before*: what came until then is the time of the earlier request."""
    made = any(_requests(one, act.run) and one.began == act.began for one in before)
    return replace(act, began=act.asked) if act.asked and made else act


def _replaced(act: Act, later: list[Act]) -> Act:
    """*act*, where a *later* request of its run followed: people were waited for until then."""
    followed = next((one for one in later if _requests(one, act.run)), None)
    if followed is None or act.outcome != "waits for an approval":
        return act
    return replace(act, outcome="replaced by another request", answered=followed.asked)


def _requests(act: Act, run: str) -> bool:
    return act.what == "promotion" and act.run == run
