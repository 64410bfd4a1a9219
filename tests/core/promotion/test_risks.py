"""Risks of a promotion, by the facts that make them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from azora.core.promotion.plan import Change
from azora.core.promotion.risks import Seen, risks_of
from tests.support.plans import PROOF, planned
from tests.support.releases import DROP, FIRST
from tests.support.worlds import GREEN, SERVING_OLD, switched

PLAN = planned(SERVING_OLD, on_main=True, proof=PROOF)
PLAN = replace(PLAN, router_changes=False)
BACK = switched(3, "old", GREEN)


@pytest.mark.parametrize(
    ("plan", "seen", "titles"),
    [
        pytest.param({}, {}, [], id="none"),
        pytest.param({"migrations": (FIRST,)}, {}, [], id="an expand"),
        pytest.param({"migrations": (FIRST, DROP)}, {}, ["No rollback to the active release"], id="a contract"),
        pytest.param({}, {"restarts": ("StatefulSet db",)}, ["Databases restart"], id="a restart"),
        pytest.param({}, {"policy_of": 3}, ["The rules of production changed since the last promotion"], id="rules"),
        pytest.param({}, {"by_color": ("Role web",)}, ["Objects differ by color"], id="by color"),
        pytest.param({"router_changes": True}, {}, ["The router changes"], id="router"),
        pytest.param({"router_changes": None}, {}, [], id="a first router"),
        pytest.param({"on_main": False}, {}, ["The commit is not on the main branch"], id="off the main branch"),
        pytest.param({"on_main": None}, {}, ["It is unknown whether the commit is on the main branch"], id="unknown branch"),
        pytest.param({"lost": (Change("1", "Ada", "x"),)}, {}, ["1 commit that users would lose"], id="commits lost"),
        pytest.param({"lost": None}, {}, ["Commits that users would lose are unknown"], id="unknown commits"),
        pytest.param({}, {"rolled_back": BACK}, ["Users were rolled back"], id="rolled back"),
        pytest.param({"proof": None}, {}, ["No stage has proved the release"], id="no proof"),
        pytest.param({}, {"flaky": 2}, ["2 flaky cases"], id="flaky"),
        pytest.param({}, {"unknown": ("the record: gone",)}, ["Not everything could be read"], id="unknown"),
        pytest.param(
            {"migrations": (DROP,), "on_main": False},
            {"unknown": ("x",), "restarts": ("y",)},
            ["No rollback to the active release", "Databases restart", "The commit is not on the main branch",
             "Not everything could be read"],
            id="their order",
        ),
    ],
)  # fmt: skip
def test_risks(plan: dict[str, Any], seen: dict[str, Any], titles: list[str]) -> None:
    """Each fact that speaks against an approval is a risk; what a rollback does not undo comes first."""
    assert [risk.title for risk in risks_of(replace(PLAN, **plan), Seen(**seen))] == titles
