"""A garbled record: what is left out, what is an error, and where switches are read instead."""

from __future__ import annotations

import pytest

from azora.core.cluster.garbled import recorded_switches, without_garbled
from azora.core.cluster.kubernetes_objects import logged_switches
from azora.core.cluster.stored_releases import unpacked
from azora.core.record.entry import line_after, note
from azora.core.record.events import Switched, Switching
from azora.errors import BadInput
from tests.support.worlds import BLUE, GREEN, NOW, switched

GOOD = {
    "version": "2",
    "blue": '{"release": "a", "revision": 1}',
    "rollback": '{"at": "2026-11-29T22:00:00Z", "seconds": 0.2}',
    "helm": '["shop"]',
    "key-of-a-newer-version": "{",
}


@pytest.mark.parametrize("text", ["{garbage", "", "[]", "{}", '{"run": 1}'])
@pytest.mark.parametrize("key", ["question.1f2e", "approval.1f2e.key", "preview", "rollback"])
def test_garbled_reports(key: str, text: str) -> None:
    """A key that only reports is left out; all others stay as they are."""
    assert without_garbled(GOOD | {key: text}, "shop") == {name: value for name, value in GOOD.items() if name != key}


@pytest.mark.parametrize("key", ["approval-since", "blue", "green", "migrating", "releases", "version"])
def test_garbled_needed(key: str) -> None:
    """A key that decides is an error with its name, and not a foreign one."""
    with pytest.raises(BadInput, match=f"the record of shop: its key '{key}' is not what Azora wrote") as caught:
        without_garbled(GOOD | {key: "{garbage"}, "shop")
    assert "configmap azora-record" in caught.value.advice


@pytest.mark.parametrize("text", ["[{oops", "{}", '[{"number": 0}]'])
def test_garbled_switches(text: str) -> None:
    """The list of the live Service is an error of ours; the record's log has the switches, too."""
    service = {"metadata": {"name": "shop", "annotations": {"azora.dev/switches": text}}}
    with pytest.raises(BadInput, match=r"azora\.dev/switches is not what Azora wrote"):
        logged_switches(service)
    one, two = switched(1, "old", BLUE), switched(2, "new", GREEN)
    lines: list[str] = []
    for event in (Switched(switch=one), Switching(switch=two), Switched(switch=two)):
        lines.append(line_after(lines[-1] if lines else None, note(event, at=NOW, who="run")))
    assert recorded_switches(lines) == (one, two)


@pytest.mark.parametrize("stored", [{"1f2e": "{oops"}, {"1f2e": "{}"}], ids=["no JSON", "no release"])
def test_garbled_releases(stored: dict[str, str]) -> None:
    """The error is one of ours, with what to do."""
    with pytest.raises(BadInput, match="azora-record-releases is not what Azora wrote"):
        unpacked(stored)
