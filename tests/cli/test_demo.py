"""The demo whose approvals a person gives, and what its summary says of the switch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from azora.cli import demo_run as demo
from azora.cli.demo_gate import reason_of
from azora.core.checks.probe_result import Counts, Presence, ProbeResult
from azora.core.cluster.record import Switch
from azora.core.colors import Color
from azora.errors import Failed
from azora.gateways.prefect.runs import Run

AT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
SECOND = AT.timestamp()
PROMOTED, REJECTED, FAILED = (
    Run("1f2e3d4c-0", "release 1f2e3d4", state, kind, "so it ended", "http://prefect/v2/runs/flow-run/1f2e3d4c-0")
    for state, kind in (("Completed", "COMPLETED"), ("Rejected", "COMPLETED"), ("Failed", "FAILED"))
)
SEEN = {"blue": Presence(90, SECOND - 60, SECOND + 0.25), "green": Presence(10, SECOND + 0.125, SECOND + 9)}


def switch(minutes: float = 0) -> Switch:
    at = AT + timedelta(minutes=minutes)
    return Switch(number=2, at=at, kind="promotion", came_from=Color.BLUE, to=Color.GREEN, release="1f2e", by="1f2e")


def probed(colors: dict[str, Presence] = SEEN) -> ProbeResult:
    return ProbeResult(SECOND - 60, SECOND + 10, 100, all=Counts(100, colors=colors, p99_ms=7.5))


@pytest.mark.parametrize(
    ("over", "last", "says"),
    [
        pytest.param(PROMOTED, switch(), "first on green +0.125 s · last on blue +0.250 s · p99 7.5 ms", id="switched"),
        pytest.param(
            REJECTED, switch(-60), "Rejected: nothing was switched, users stay on green", id="the last switch is old"
        ),
        pytest.param(REJECTED, None, "Rejected: nothing was switched, users stay on no color", id="never switched"),
        pytest.param(
            PROMOTED, switch(8), "switched to green 8 min after the probe's end: not counted", id="a late approval"
        ),
    ],
)
def test_summary_of_the_switch(over: Run, last: Switch | None, says: str) -> None:
    """Times are of the switch that the probe saw, never of an earlier one."""
    assert demo.of_the_switch(over, last, probed()) == says


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine on which nothing was ever released; each release ends as the list says next."""
    ends = {"Rejected": REJECTED, "Failed": FAILED}
    left: list[str] = []
    monkeypatch.setattr(demo, "_production", lambda: SimpleNamespace(active=None, last_switch=None))
    monkeypatch.setattr(demo, "start", lambda *_, **__: PROMOTED)
    monkeypatch.setattr(demo, "follow_run", lambda *_, **__: ends[left.pop(0)])
    return left


def test_rejected_first_release(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The demo ends well: there is no second release and no wait for production."""
    asked.append("Rejected")
    demo.run(ask=True, change=Path("banner.txt"))
    said = capsys.readouterr().out
    assert "Rejected: nothing was released, production has no active color yet" in said
    assert f"the run     {REJECTED.url}" in said


@pytest.mark.parametrize(
    ("end", "ask"),
    [
        pytest.param("Failed", True, id="failed, a person would have been asked"),
        pytest.param("Failed", False, id="failed"),
        pytest.param("Rejected", False, id="rejected where the demo itself approves"),
    ],
)
def test_failed_release(asked: list[str], end: str, ask: bool) -> None:
    """A failed release fails the demo; only a person's rejection is a good end."""
    asked.append(end)
    with pytest.raises(Failed, match=f"could not release main: {end}: so it ended"):
        demo.run(ask=ask, change=Path("banner.txt"))


def test_reason_of_a_refusal() -> None:
    """The demo prints the policy's own sentence, or all that the API server answered."""
    said = (
        "could not apply services shop: services \"shop\" is forbidden: ValidatingAdmissionPolicy 'azora-live' with binding"
        " 'azora-live' denied request: release 3f2a has 0 of 1 approvals in shop-production"
    )
    assert reason_of(said) == "release 3f2a has 0 of 1 approvals in shop-production"
    assert reason_of("something else") == "something else"
