"""States of an environment, one after the other through a promotion."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from azora.core.cluster.record import Approval, Receipt, StackRecord, Switch
from azora.core.cluster.state import Stack, World
from azora.core.colors import Color
from azora.core.promotion.binding import bound_of
from azora.core.promotion.goal import Wanted
from azora.core.release.migrations import Migration

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BLUE, GREEN = Color.BLUE, Color.GREEN


def stack(
    color: Color, release: str, *, ready: int = 3, wanted: int = 3, proved: bool = True, helm: str = "deployed"
) -> Stack:
    record = StackRecord(release=release, revision=1, proved_at=NOW if proved else None)
    return Stack(color, release, helm, 1, {"web": wanted}, {"web": ready}, frozenset(), record, label=release)


def switched(number: int, release: str, to: Color, *, approval: str | None = None) -> Switch:
    return Switch(
        number=number, at=NOW, kind="promotion", came_from=to.other, to=to, release=release, by="run", approval=approval
    )


EMPTY = World()
SERVING_OLD = World(
    active=BLUE,
    preview_points_at=GREEN,
    service_version="7",
    router_helm="deployed",
    stacks={BLUE: stack(BLUE, "old")},
    switches=(switched(1, "old", BLUE),),
    receipts=(Receipt(number=1, verdict="good"),),
    data_digest="data",
    router_digest="router/blue",
)
PRODUCTION = Wanted(
    "new",
    "run",
    approval_needed=True,
    ask_after_preview=False,
    data_digest="data",
    router_digest="router",
    environment="production",
    policy="policy",
)
YES = Approval(
    id="run/production-1-1",
    run="run",
    environment="production",
    release="new",
    plan=bound_of(SERVING_OLD, PRODUCTION).hash,
    approver="ada",
    reason="it is time",
    at=NOW,
    expires_at=NOW + timedelta(hours=1),
)
APPROVED = replace(SERVING_OLD, approvals=(YES,))
INSTALLED = replace(APPROVED, stacks={BLUE: stack(BLUE, "old"), GREEN: stack(GREEN, "new", proved=False)})
PROVED = replace(INSTALLED, stacks={BLUE: stack(BLUE, "old"), GREEN: stack(GREEN, "new")})
SWITCHED = replace(
    PROVED,
    active=GREEN,
    switches=(switched(1, "old", BLUE), switched(2, "new", GREEN, approval=YES.id)),
    preview_points_at=GREEN,
)
WATCHED = replace(SWITCHED, receipts=(*SERVING_OLD.receipts, Receipt(number=2, verdict="good")))
BOOKED = replace(WATCHED, preview_points_at=BLUE, router_digest="router/green")


def migrated(color: Color, release: str, *migrations: Migration, **more: Any) -> Stack:
    plain = stack(color, release, **more)
    assert plain.record
    return replace(plain, record=plain.record.model_copy(update={"migrations": migrations}))
