"""`azora history` and `azora verify`: what a person reads, and what a script gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from azora.cli import history, verify
from azora.core.record.chain import head_of
from azora.core.record.export import Export, export_of
from azora.errors import Unreachable
from tests.support.chains import AT, PROMOTION, ROLLBACK, whole

LINES = tuple(whole())
FOUND = export_of(
    LINES, application="azora", environment="production", namespace="azora-production", at=AT,
    switches=(PROMOTION, ROLLBACK), live_head=str(head_of(LINES)),
)  # fmt: skip
HEAD = head_of(LINES)


@pytest.fixture(autouse=True)
def clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Production has a record, staging is away."""

    def exported(name: str) -> Export:
        if name == "staging":
            raise Unreachable("could not reach the API server", advice="start it")
        return FOUND

    for module in (history, verify):
        monkeypatch.setattr(module, "connect", lambda environment, _: environment.name)
        monkeypatch.setattr(module, "export", exported)


def verified(what: str | None, capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[Any, str]:
    with pytest.raises(SystemExit) as ended:
        verify.verify(what, **({"against": None, "as_json": False} | options))
    return ended.value.code, capsys.readouterr().out


def test_history(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines for each act: what and times of people and machines; outcome, who and why. They fit 80 columns."""
    monkeypatch.setattr(history, "console", Console(width=80))
    history.history("production", last=30, export_to=None, as_json=False)
    assert [text.rstrip() for text in capsys.readouterr().out.splitlines()] == [
        "began (UTC)       what         release               people  machines",
        "    outcome; who and why",
        "2026-11-29 09:00  promotion 2  418e36f309c4 aaaaaaa  30 min  7 min",
        "    promoted; ada: it is time",
        "2026-11-29 11:00  rollback 3   old                           0.5 s",
        "    rolled back; grace: carts are empty",
    ]


def test_history_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A script gets each act with its times in seconds."""
    history.history("production", last=1, export_to=None, as_json=True)
    (rollback,) = json.loads(capsys.readouterr().out)
    assert (rollback["what"], rollback["people"], rollback["why"]) == ("rollback", ["grace"], "carts are empty")
    assert (rollback["waiting_seconds"], rollback["working_seconds"]) == (None, 0.5)


def test_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An export is verified offline; a changed byte is named, with exit code 1."""
    file = tmp_path / "production.jsonl"
    history.history("production", last=30, export_to=file, as_json=False)
    assert f"7 entries in {file}, head {HEAD}" in capsys.readouterr().out.replace("\n", "")
    assert verified(str(file), capsys)[0] == 0
    file.write_text(file.read_text().replace('"grace"', '"eve"'))
    code, text = verified(str(file), capsys)
    assert code == 1
    assert "entry 7 was changed: the export's first line names another hash for it" in text.replace("\n", " ")


def test_verification_of_all_environments(capsys: pytest.CaptureFixture[str]) -> None:
    """An unreachable cluster hides no other one; the exit code is that of the first error."""
    code, text = verified(None, capsys)
    assert code == 4
    assert f"✓ production: 7 entries, head {HEAD}" in text
    assert "✗ staging: could not reach the API server → start it" in text


def test_verification_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A script gets the head."""
    code, text = verified("production", capsys, as_json=True)
    assert code == 0
    assert json.loads(text) == [{"name": "production", "entries": 7, "head": str(HEAD), "fault": "", "code": 0}]


def test_verification_against_an_earlier_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A head of an earlier export that does not hold is named."""
    earlier = tmp_path / "earlier.jsonl"
    earlier.write_text(FOUND.text.replace(str(HEAD), f"7:{'0' * 64}"))
    code, text = verified("production", capsys, against=earlier)
    assert code == 1
    assert "entry 7 was changed: the export" in text
