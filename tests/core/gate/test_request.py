"""Request as people of the cluster read it, from the record alone."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest

from azora.core.cluster.freeze import Act, Acts
from azora.core.cluster.overrides import Override
from azora.core.cluster.state import World
from azora.core.gate.pod_images import items_of
from azora.core.gate.request import ForPeople, for_approvers, request_in
from azora.core.gate.tally import Tally
from azora.core.messages.request_page import STAYS, page
from azora.core.promotion.approval import next_request
from azora.core.promotion.plan import Change
from azora.core.record.chain import head_of
from azora.core.record.events import Requested
from azora.core.release.release import digest
from azora.errors import BadInput
from tests.support.chains import chain
from tests.support.gated import ADA, NOW, configuration, deployment
from tests.support.gated import digest as image_digest
from tests.support.plans import planned
from tests.support.releases import BASE
from tests.support.worlds import SERVING_OLD, SWITCHED

PRODUCTION = configuration("production", minimum=2)
EXTRA = f"registry.example.org/redis@{image_digest(7)}"
COMMITS = tuple(Change(f"{number:07}", "Dev", f"change {number}") for number in range(12))
PLAN = planned(SERVING_OLD, environment=PRODUCTION, changes=COMMITS, lost=None, authors=("a@x.org", "b@x.org"))
REQUEST = next_request(None, PLAN, attempt=1, now=NOW)
MORE = for_approvers(REQUEST, PLAN, [deployment("r", EXTRA, BASE.images["web"], "tool:1")])


def event(**change: Any) -> Requested:
    known = {
        "key": REQUEST.key,
        "release": BASE.id,
        "plan": PLAN.hash,
        "bound": asdict(PLAN.bound),
        "contents": BASE.model_dump(mode="json", exclude={"subject", "migrations"}),
        "subject": BASE.subject,
        "until": NOW + timedelta(hours=72),
        "approvers": MORE,
    }
    return Requested.model_validate(known | change)


def read(*events: Requested) -> ForPeople | None:
    return request_in(chain(*((one, minute, "run", "run", "") for minute, one in enumerate(events))), "run", PLAN.hash)


def test_request_in_the_record() -> None:
    """The newest entry of the run and plan; its head is the one that the person sees."""
    newer = MORE.model_copy(update={"since": NOW + timedelta(hours=1)})
    found = read(event(), event(approvers=newer))
    assert found
    assert found.subject.since == newer.since
    assert found.head == head_of(chain(*((one, minute, "run", "run", "") for minute, one in
                                         enumerate((event(), event(approvers=newer))))))  # fmt: skip
    assert read(event(approvers=None)) is None
    assert read() is None


def test_items_of_a_request() -> None:
    """The release's label, its images, and those that its objects name by digest beside them."""
    found = read(event())
    assert found
    assert found.more.images == (EXTRA,)
    label, *digests = found.items
    assert label == BASE.label
    assert set(digests) == {*items_of(BASE)[1:], image_digest(7)}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"bound": asdict(PLAN.bound) | {"switch": 9}}, id="the plan"),
        pytest.param({"contents": BASE.model_dump(mode="json", exclude={"subject", "migrations"}) | {"images": {"web": EXTRA}}}, id="the images"),
        pytest.param({"release": "c" * 64}, id="the release"),
        pytest.param(
            {"bound": asdict(replace(PLAN.bound, release="c" * 64)), "plan": PLAN.hash}, id="a plan of another release"
        ),
    ],
)  # fmt: skip
def test_request_that_somebody_changed(change: dict[str, Any]) -> None:
    """Contents without the hashes that the entry names are refused."""
    with pytest.raises(BadInput, match="its contents are not those of plan"):
        read(event(**change))


def test_plan_from_a_fresh_look() -> None:
    """The plan has the request's hash while nothing changed, and another one after a switch or a change of the file."""
    found = read(event())
    assert found
    assert found.now(PRODUCTION, SERVING_OLD).hash == PLAN.hash
    assert found.now(PRODUCTION, SWITCHED).hash != PLAN.hash
    changed = configuration("production")
    assert PLAN.bound.differences(found.now(changed, SERVING_OLD)) == ["the file of production changed"]


def test_part_for_approvers() -> None:
    """Ten commits of twelve; unknown lost ones; authors whom the file knows come first where there are too many."""
    assert (MORE.gained.number, len(MORE.gained.newest)) == (12, 10)
    assert MORE.lost.number is None
    many = tuple(f"{number:03}@x.org" for number in range(200))
    found = for_approvers(REQUEST, replace(PLAN, authors=many), [], known=["199@X.org"])
    assert found.authors[:2] == ("199@x.org", "000@x.org")
    assert len(found.authors) == 100


def test_page_of_a_request() -> None:
    """An approver reads the plan, who is missing, and images that nobody approved before."""
    found = read(event())
    assert found
    assert PRODUCTION.approval
    text = page(found, SERVING_OLD, Tally(2), PRODUCTION.approval, running={}, new=[EXTRA], now=NOW)
    for part in ("0 of 2 approvals", EXTRA, PLAN.hash[:12], found.head.short, "`change 0", "12 new, unknown lost", ADA):
        assert part.replace("`change 0", "change 0") in text
    assert "… and 2 more" in text
    assert digest(found.release.model_dump(mode="json", exclude={"subject", "migrations"})) == found.release.id


ENDS = Act(kind="end", at=NOW, reason="it is over", by="oidc:chief")
FROZEN = Act(kind="freeze", at=NOW, reason="the sale", until=NOW + timedelta(hours=8), by="oidc:chief")
ONE_GOES = Act(kind="exception", at=NOW, reason="a fix", subject=BASE.id[:12], by="oidc:olga")
FROZEN_ROW = "| ⚠ frozen | until 2026-11-29 20:00 UTC, by `oidc:chief`: `the sale`"
OVERRIDE = Override("Service shop", "oidc:chief", "checkout is down")


@pytest.mark.parametrize(
    ("world", "rows"),
    [
        pytest.param(SERVING_OLD, [], id="nothing"),
        pytest.param(
            replace(SERVING_OLD, freezes=Acts((FROZEN,))),
            [f"{FROZEN_ROW}; **nothing is promoted before**: {STAYS} |"],
            id="freeze",
        ),
        pytest.param(
            replace(SERVING_OLD, freezes=Acts((FROZEN, ONE_GOES))),
            [f"{FROZEN_ROW}; **this one may go**, by `oidc:olga`: `a fix` |"],
            id="freeze that lets it through",
        ),
        pytest.param(replace(SERVING_OLD, freezes=Acts((FROZEN, ENDS))), [], id="freeze that was ended"),
        pytest.param(
            replace(SERVING_OLD, overrides=(OVERRIDE,)),
            ["| ⚠ override in force | `Service shop`, by `oidc:chief`: `checkout is down` |"],
            id="override",
        ),
    ],
)
def test_warnings_of_a_request(world: World, rows: list[str]) -> None:
    """A freeze and an override in force are the first rows of what an approver reads."""
    found = read(event())
    assert found
    assert PRODUCTION.approval
    text = page(found, world, Tally(2), PRODUCTION.approval, running={}, new=[], now=NOW)
    assert [row for row in text.splitlines() if row.startswith("| ⚠")] == rows


def test_address_of_the_evidence() -> None:
    """The record has the address of the page that the run published."""
    assert for_approvers(REQUEST, replace(PLAN, evidence="http://reports/1"), []).evidence == "http://reports/1"
