"""`azora prune` says what went and why, for people and for machines."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from azora.cli import prune
from azora.core.retention import Decision, Item
from azora.operations.pruning import Part

AT = datetime(2026, 11, 1, tzinfo=UTC)
OLD = Decision(Item("one", AT, 3200), True, "older than 30 days")
KEPT = Decision(Item("two", AT), False, "the newest")
DONE = [Part("reports", (OLD,), (KEPT,)), Part("layers")]
AWAY = [Part("images", trouble="could not reach it")]


def said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], parts: list[Part], *, as_json: bool
) -> tuple[object, str]:
    monkeypatch.setattr(prune.pruning, "prune", lambda *_, **__: parts)
    with pytest.raises(SystemExit) as ended:
        prune.run(dry_run=True, as_json=as_json)
    return ended.value.code, capsys.readouterr().out


def test_text_of_a_pruning(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The text has what would go, why, and how large it is."""
    code, text = said(monkeypatch, capsys, DONE, as_json=False)
    assert code == 0
    assert text.splitlines() == [
        "reports  1 would be removed, 3.2 kB; 1 kept",
        "  one  3.2 kB, older than 30 days",
        "layers  0 would be removed; 0 kept",
    ]


def test_json_of_a_pruning(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON has the same as the text."""
    code, text = said(monkeypatch, capsys, DONE, as_json=True)
    assert code == 0
    (reports, _) = json.loads(text)["parts"]
    assert reports["gone"] == [{"name": "one", "at": AT.isoformat(), "bytes": 3200, "reason": "older than 30 days"}]
    assert reports["kept"][0]["reason"] == "the newest"


@pytest.mark.parametrize("as_json", [False, True])
def test_pruning_with_a_failed_part(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    """A part that failed is reported, and sets the exit code."""
    code, text = said(monkeypatch, capsys, [*DONE, *AWAY], as_json=as_json)
    assert code == 4
    assert "could not reach it" in text
