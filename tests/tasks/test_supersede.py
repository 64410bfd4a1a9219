"""A run whose request gave way ends as Superseded; the hooks remove its preview."""

from __future__ import annotations

from logging import getLogger
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.client.schemas.objects import State
from prefect.states import Completed, Running

from azora.config.settings import settings as machine_settings
from azora.core.cluster.record import Replacement
from tasks import previews, promotion, supersede
from tasks.hooks import watched
from tasks.supersede import Superseded, stop_if_superseded
from tests.support.releases import BASE

NEWER = Replacement(run="1f2e", release=BASE.id, title=BASE.title)


def test_state_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is completed, and its message names the run and the release that go on."""

    def gave_way(*_: object, **__: object) -> None:
        raise Superseded(NEWER)

    monkeypatch.setattr(promotion, "_promote", gave_way)
    state = promotion.promote("production", BASE)
    assert state
    assert (state.type.value, state.name) == ("COMPLETED", "Superseded")
    assert state.message == f"run 1f2e replaced this request: it requests an approval of {BASE.title} in production"


def test_order_of_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request leaves the record last, so that a kill before loses nothing."""
    done: list[str] = []
    monkeypatch.setattr(supersede, "end_superseded", lambda _: done.append("told"))
    monkeypatch.setattr(supersede, "remove_request", lambda _: done.append("removed"))
    stop_if_superseded("production", None)
    assert done == []
    with pytest.raises(Superseded):
        stop_if_superseded("production", NEWER)
    assert done == ["told", "removed"]


@pytest.mark.parametrize(
    ("state", "ended"), [pytest.param(Running(), "", id="start"), pytest.param(Completed(), "1a2b", id="end")]
)
def test_hook_of_previews(monkeypatch: pytest.MonkeyPatch, state: State[Any], ended: str) -> None:
    """At its end a run is known to be over; at its start it is not."""
    seen: list[str] = []

    def remove(_: object, ended: str) -> list[str]:
        seen.append(ended)
        return []

    monkeypatch.setattr(previews, "remove_everywhere", remove)
    previews.remove_abandoned_previews(None, SimpleNamespace(id="1a2b"), state)  # type: ignore[arg-type]
    assert seen == [ended]


def test_hook_with_unreadable_settings(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A run begins and ends although the removal fails."""
    monkeypatch.setenv("AZORA_SETTINGS", "/nowhere")
    monkeypatch.setattr(previews, "flow_run_logger", lambda *_: getLogger("run"))
    machine_settings.cache_clear()
    previews.remove_abandoned_previews(None, SimpleNamespace(id="1a2b"), Running())  # type: ignore[arg-type]
    machine_settings.cache_clear()
    assert "could not read the settings file" in caplog.text


@pytest.mark.parametrize("end", ["on_completion", "on_failure", "on_cancellation"])
def test_order_of_hooks(end: str) -> None:
    """Approvals end before the preview goes; a killed run keeps both, since a Retry continues with them."""
    names = [hook.__name__ for hook in watched()[end]]
    assert names.index("end_approvals") < names.index("remove_abandoned_previews")
    assert previews.remove_abandoned_previews not in watched()["on_crashed"]
