"""`azora status` says what is not as it should be."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from azora.cli import status
from azora.config.settings import Settings
from azora.core.cluster.freeze import Act, Acts
from azora.core.cluster.overrides import Override
from azora.core.cluster.state import World
from azora.core.colors import Color
from azora.errors import Unreachable
from tests.support.worlds import BLUE, BOOKED, NOW


class Seen:
    """A cluster that shows one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def look(self) -> World:
        return self._world


def said(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(status, "connect", lambda *_: Seen(world))
    monkeypatch.setattr(status, "settings", lambda: Settings(node="none"))
    monkeypatch.setattr(status, "_waiting", list)
    monkeypatch.setattr(status, "_forget_stale_questions", lambda _: None)
    status.show(["production"], as_json=False)
    return capsys.readouterr().out


@pytest.mark.parametrize(("active", "where"), [(BLUE, "blue"), (None, "no color")])
def test_edited_live_service(
    active: Color | None, where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A live Service that somebody edited is reported."""
    text = said(replace(BOOKED, active=active), monkeypatch, capsys)
    assert f"users are on {where}, the last switch sent them to green: the live Service was edited" in text


def test_pending_helm_release(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A pending Helm release is reported with who repairs it."""
    text = said(replace(BOOKED, pending=("azora-blue",)), monkeypatch, capsys)
    assert "incomplete Helm releases: azora-blue; the next run repairs them" in text


def test_environment_without_a_fault(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is reported of an environment without a fault."""
    text = said(BOOKED, monkeypatch, capsys)
    assert "somebody" not in text
    assert "incomplete" not in text


def test_freeze_and_override(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A freeze and an override in force are shown, for people and for machines."""
    end = datetime(2999, 1, 1, 8, tzinfo=UTC)
    freeze = Act(kind="freeze", at=NOW, until=end, reason="the [sale]", by="oidc:ada")
    override = Override("Service shop", "oidc:olga", "the approvers are asleep", "2" * 40)
    world = replace(BOOKED, freezes=Acts((freeze,)), overrides=(override,))
    text = said(world, monkeypatch, capsys)
    assert "⚠ frozen until 2999-01-01 08:00 UTC by oidc:ada: the [sale]" in text
    assert "⚠ override in force: Service shop by oidc:olga: the approvers are asleep" in text
    status.show(["production"], as_json=True)
    found = json.loads(capsys.readouterr().out)["environments"]["production"]
    assert found["freeze"]["by"] == "oidc:ada"
    assert found["overrides"][0]["where"] == "Service shop"


class Away:
    """A cluster that does not answer."""

    def look(self) -> World:
        raise Unreachable("could not look at production: the API server\nis silent", advice="start [it]")


@pytest.fixture
def production_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "connect", lambda one, _: Away() if one.name == "production" else Seen(BOOKED))
    monkeypatch.setattr(status, "settings", lambda: Settings(node="none"))
    monkeypatch.setattr(status, "_waiting", list)


@pytest.mark.usefixtures("production_is_away")
def test_unreachable_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    """One line has the error and what to do, the others are shown, and the exit code is 4."""
    with pytest.raises(SystemExit) as ended:
        status.show(["production", "staging"], as_json=False)
    away, *rest = capsys.readouterr().out.splitlines()
    assert away == "production  ✗ could not look at production: the API server is silent → start [it]"
    assert rest[0].startswith("staging  http://")
    assert any("● live" in line for line in rest)
    assert ended.value.code == 4


@pytest.mark.usefixtures("production_is_away")
@pytest.mark.parametrize("names", [["production"], ["production", "staging"]], ids=" and ".join)
def test_unreachable_cluster_as_json(names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON has the error of the unreachable cluster and the state of the others."""
    with pytest.raises(SystemExit) as ended:
        status.show(names, as_json=True)
    found = json.loads(capsys.readouterr().out)["environments"]
    assert found.pop("production") == {
        "error": {"message": "could not look at production: the API server\nis silent", "advice": "start [it]"}
    }
    assert [state["live"] for state in found.values()] == ["green"] * (len(names) - 1)
    assert ended.value.code == 4


@pytest.mark.usefixtures("production_is_away")
def test_unreachable_cluster_alone() -> None:
    """The error of the only environment is the command's error."""
    with pytest.raises(Unreachable):
        status.show(["production"], as_json=False)


def test_commit_of_a_half_installed_release(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A color with the record of an older release shows no commit: it does not run that one."""
    green = BOOKED.stack(Color.GREEN)
    assert green.record
    old = green.record.model_copy(update={"release": "older", "commit": "3f2a1c0" * 5, "subject": "The old one"})
    half = replace(BOOKED, stacks={**BOOKED.stacks, Color.GREEN: replace(green, helm="pending-upgrade", record=old)})
    text = said(half, monkeypatch, capsys)
    assert "Helm: pending-upgrade" in text
    assert "3f2a1c0" not in text
    assert "The old one" not in text


@pytest.mark.parametrize("columns", [80, 132])
def test_live_color_with_a_long_subject(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The live color stays in sight on one line, however long the subject is."""
    monkeypatch.setattr(status, "console", Console(width=columns))
    green = BOOKED.stack(Color.GREEN)
    assert green.record
    record = green.record.model_copy(
        update={"release": "9a" * 6, "commit": "3f2a1c0", "subject": "Say at length " * 10}
    )
    long = replace(BOOKED, stacks={**BOOKED.stacks, Color.GREEN: replace(green, release="9a" * 6, record=record)})
    shown = said(long, monkeypatch, capsys)
    (live,) = [line for line in shown.splitlines() if "● live" in line]
    assert re.match(r"  green  ● live  9a9a9a9a9a9a  \d/\d +proved  3f2a1c0 Say ", live)
    assert max(map(len, shown.splitlines())) <= columns
