"""Records of an environment: one approved promotion, its rollback, and what a run of a day leaves."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from azora.core.cluster.record import Receipt, Switch
from azora.core.colors import Color
from azora.core.promotion.binding import Bound
from azora.core.record.chain import head_of
from azora.core.record.entry import line_after, note
from azora.core.record.events import Approved, Begun, Event, Received, Requested, Switched, Switching
from tests.support.releases import BASE

AT = datetime(2026, 11, 29, 9, tzinfo=UTC)
BOUND = Bound("production", BASE.id, "policy", "router", "blue", "old", 1)
CONTENTS = BASE.model_dump(mode="json", exclude={"subject", "migrations"})
ASKED = Requested(
    key=f"production-1-1-{BOUND.hash}",
    release=BASE.id,
    plan=BOUND.hash,
    bound=asdict(BOUND),
    contents=CONTENTS,
    subject="Sign the book",
    until=AT + timedelta(hours=72),
    began=AT,
)
APPROVED = Approved(
    approval="run/key",
    release=BASE.id,
    plan=BOUND.hash,
    given_at=AT + timedelta(minutes=34),
    expires_at=AT + timedelta(hours=24),
)
PROMOTION = Switch(
    number=2,
    at=AT + timedelta(minutes=36),
    kind="promotion",
    came_from=Color.BLUE,
    to=Color.GREEN,
    release=BASE.id,
    commit=BASE.commit,
    by="run",
    approval="run/key",
)
ROLLBACK = PROMOTION.model_copy(
    update={
        "number": 3, "at": AT + timedelta(hours=2), "kind": "rollback", "came_from": Color.GREEN, "to": Color.BLUE,
        "release": "old", "commit": "", "by": "grace", "approval": None,
    }
)  # fmt: skip
GOOD = Receipt(number=2, verdict="good", total=1000)


def chain(*acts: tuple[Event, int, str, str, str], begun: bool = True) -> list[str]:
    """Lines of a record; each act is an event, its minute, who, run and why."""
    lines: list[str] = []
    for event, minute, who, run, why in [*([(Begun(switch=1), 0, "run", "run", "")] if begun else []), *acts]:
        added = note(event, at=AT + timedelta(minutes=minute), who=who, run=run, why=why)
        lines.append(line_after(lines[-1] if lines else None, added))
    return lines


def whole() -> list[str]:
    """A promotion that ada approved, and grace's rollback of it."""
    asked = chain((ASKED, 4, "run", "run", ""))
    approved = APPROVED.model_copy(update={"saw": str(head_of(asked))})
    return chain(
        (ASKED, 4, "run", "run", ""),
        (approved, 34, "ada", "run", "it is time"),
        (Switching(switch=PROMOTION), 36, "run", "run", ""),
        (Switched(switch=PROMOTION), 36, "run", "run", ""),
        (Received(receipt=GOOD), 37, "run", "run", ""),
        (Switched(switch=ROLLBACK, seconds=0.5), 120, "grace", "", "carts are empty"),
    )
