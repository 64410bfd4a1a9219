"""Rules of an environment at its last promotion, as the record has them."""

from __future__ import annotations

from collections.abc import Iterable

from azora.core.cluster.record import Switch
from azora.core.record.entry import Entry
from azora.core.record.events import Requested

PROMOTIONS = {"first", "promotion"}


def last_promotion(switches: Iterable[Switch]) -> Switch | None:
    """Newest promotion among *switches*, oldest first."""
    return next((one for one in reversed(tuple(switches)) if one.kind in PROMOTIONS), None)


def policy_at(promotion: Switch, entries: Iterable[Entry]) -> str | None:
    """Digest of the file to which the approval of *promotion* was bound; None: not in *entries*."""
    found = [
        str(entry.event.bound.get("policy", ""))
        for entry in entries
        if isinstance(entry.event, Requested)
        and (entry.run, entry.event.release) == (promotion.by, promotion.release)
        and entry.at <= promotion.at
    ]
    return found[-1] if found and found[-1] else None
