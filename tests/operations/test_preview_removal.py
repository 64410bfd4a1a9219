"""A preview that nobody uses is removed once, where the policy says so, whatever is killed in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from azora.config.environment import ApprovalPolicy
from azora.config.settings import Settings
from azora.core.cluster.record import PreviewRecord
from azora.core.record.events import PreviewRemoved
from azora.errors import Refused, Unreachable
from azora.operations import preview_removal, pruning
from azora.operations.preview_removal import remove_abandoned
from tests.support.clusters import STAGING, Remembered
from tests.support.worlds import BOOKED, GREEN, NOW, PROVED

RUN = str(UUID(int=1))
REJECTED = replace(PROVED, approvals=())
HERE = Settings(application="azora")


@dataclass
class Seen:
    """An environment with a preview of `RUN`, and what was done to it."""

    cluster: Remembered
    uninstalled: list[str] = field(default_factory=list)
    pages: list[tuple[str, str]] = field(default_factory=list)
    holders: list[str] = field(default_factory=list)
    over: bool = True
    held_by_another: bool = False

    @property
    def entries(self) -> list[Any]:
        return [event for event in self.cluster.log.events if isinstance(event, PreviewRemoved)]  # type: ignore[attr-defined]

    def uninstall(self, name: str, *, timeout_seconds: float) -> None:  # noqa: ARG002 - Helm's own
        assert self.holders, "the Lease is held"
        self.uninstalled.append(name)

    def take(self) -> None:
        if self.held_by_another:
            raise Refused("could not promote: another run holds the Lease")
        self.holders.append("removal")

    def release(self) -> None:
        self.holders.clear()

    def note(self, run: str = RUN) -> None:
        found = PreviewRecord(run=run, release="new", color=GREEN, at=NOW)
        self.cluster.record.write(preview=found.model_dump_json())


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    policy = ApprovalPolicy.model_validate({"ask": "after_preview", "preview": "remove"})
    found = Seen(Remembered(REJECTED, STAGING.model_copy(update={"approval": policy})))
    monkeypatch.setattr(preview_removal, "over", lambda runs: set(runs) if found.over else set())
    monkeypatch.setattr(preview_removal, "leave_page", lambda run, key, *_: found.pages.append((run, key)))
    monkeypatch.setattr(preview_removal, "Helm", lambda *_: found)
    monkeypatch.setattr(preview_removal, "Lease", lambda *_: found)
    found.note()
    return found


def test_rejected_preview(seen: Seen) -> None:
    """Its Helm release is removed under the Lease; page and record say so; a second look does nothing."""
    assert remove_abandoned(seen.cluster, HERE)
    assert remove_abandoned(seen.cluster, HERE) is None
    assert (seen.uninstalled, seen.holders) == (["azora-green"], [])
    assert seen.pages == [(RUN, "staging-preview-removed")]
    assert seen.entries == [PreviewRemoved(color=GREEN, release="new", installed_at=NOW)]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda seen: setattr(seen, "over", False), id="its run is at work"),
        pytest.param(lambda seen: seen.note("ada"), id="a person's"),
        pytest.param(lambda seen: setattr(seen.cluster, "world", BOOKED), id="active"),
        pytest.param(lambda seen: setattr(seen, "held_by_another", True), id="another run holds the Lease"),
        pytest.param(lambda seen: seen.cluster.record.write(preview=None), id="none is noted"),
    ],
)
def test_preview_that_stays(seen: Seen, change: Callable[[Seen], None]) -> None:
    """Nothing is removed, and nothing is recorded."""
    change(seen)
    assert remove_abandoned(seen.cluster, HERE) is None
    assert (seen.uninstalled, seen.pages, seen.entries) == ([], [], [])


def test_end_of_the_own_run(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run at its end does not ask Prefect whether it is over."""
    monkeypatch.setattr(preview_removal, "over", lambda _: pytest.fail("asked"))
    assert remove_abandoned(seen.cluster, HERE, ended=RUN)


def test_policy_to_keep(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default policy costs no request."""
    seen.cluster = Remembered(REJECTED, STAGING.model_copy(update={"approval": ApprovalPolicy()}))
    monkeypatch.setattr(seen.cluster.record, "preview", lambda: pytest.fail("read"))
    assert remove_abandoned(seen.cluster, HERE) is None


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["uninstall", "write", "leave_page"])
def test_killed_removal(seen: Seen, monkeypatch: pytest.MonkeyPatch, step: str, after: bool) -> None:
    """Killed before or after a step, the next look removes the preview, with one entry."""
    owner: Any = seen if step == "uninstall" else preview_removal
    done = getattr(owner, step)

    def killed(*given: Any, **more: Any) -> None:
        if after:
            done(*given, **more)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, killed)
        with pytest.raises(SystemExit):
            remove_abandoned(seen.cluster, HERE)
    assert seen.holders == []
    assert remove_abandoned(seen.cluster, HERE)
    assert set(seen.uninstalled) == {"azora-green"}
    assert len(seen.entries) == 1
    assert seen.cluster.record.preview() is None


def test_page_without_prefect(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Prefect that is away costs the page alone."""

    def away(*_: object) -> None:
        raise Unreachable("could not reach Prefect")

    monkeypatch.setattr(preview_removal, "leave_page", away)
    assert remove_abandoned(seen.cluster, HERE)
    assert seen.cluster.record.preview() is None


@pytest.mark.parametrize("dry_run", [True, False])
def test_pruning(seen: Seen, monkeypatch: pytest.MonkeyPatch, dry_run: bool) -> None:
    """`azora prune` removes what a killed run left; a dry run lists it."""
    monkeypatch.setattr(pruning, "environments", lambda _: ["staging"])
    monkeypatch.setattr(pruning, "connect", lambda *_: seen.cluster)
    (gone,) = pruning._previews(HERE, dry_run=dry_run).gone
    assert (gone.item.name, gone.reason) == ("staging/green", "its run is over")
    assert bool(seen.uninstalled) is not dry_run
