"""A newer request ends the older one's run, once, whatever is killed, answered or slow meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from azora.config.settings import Settings
from azora.core.cluster.record import Question, Replacement
from azora.core.messages.notifications import Notice
from azora.core.record.events import Expired, Superseded
from azora.errors import NotReadyYet, Unreachable
from azora.gateways.kubernetes.cluster import Cluster
from azora.operations import approval_requests, superseding
from azora.operations.approval_requests import forget_stale, supersede
from azora.operations.superseding import end_own, take
from tests.support.clusters import STAGING, RememberedLog, Remembering, record_of

BEGAN = datetime.now(UTC) - timedelta(hours=1)
HERE = Settings(application="azora")


@dataclass
class Pipeline:
    """An environment's record, Prefect's runs by state, and whatever was sent to people."""

    states: dict[str, str]
    record: Any = field(default_factory=lambda: record_of(Remembering()))
    log: RememberedLog = field(default_factory=RememberedLog)
    ended: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)

    @property
    def cluster(self) -> Cluster:
        namespace = SimpleNamespace(environment=STAGING)
        found = SimpleNamespace(record=self.record, log=self.log, marks=lambda: ((), ""), namespace=namespace)
        return cast(Cluster, found)

    def ask(self, run: str, minute: int) -> None:
        began = BEGAN + timedelta(minutes=minute)
        asked = Question(
            run=run, release=f"release of {run}", plan=f"plan of {run}", at=began, until=began + timedelta(hours=72),
            key=f"key of {run}", title=f"title of {run}", began=began,
        )  # fmt: skip
        self.record.add_question(asked)

    def supersede(self, run: str) -> Replacement | None:
        return supersede(self.cluster, HERE, run=run)

    def take(self, run: str) -> Replacement | None:
        return take(self.cluster, f"key of {run}", run)

    def end(self, run: str, message: str, *, key: str, application: str) -> bool:
        assert (key, application) == (f"key of {run}", "azora")
        if self.states[run] == "running":
            raise NotReadyYet(f"could not end run {run!r}: it is Running")
        if self.states[run] == "waits":
            self.states[run], self.ended[run] = "over", message
        return self.states[run] != "deleted"

    def over(self, runs: Any) -> set[str]:
        return {run for run in runs if self.states[run] in {"over", "deleted"}}

    def leave_page(self, run: str, _key: str, text: str, _title: str) -> None:
        self.pages[run] = text

    def send(self, notice: Notice, _settings: Settings) -> list[str]:
        self.notices.append(notice)
        return []

    @property
    def waits(self) -> list[str]:
        return sorted(key.removeprefix("question.") for key in self.record.read() if key.startswith("question."))

    @property
    def entries(self) -> list[Superseded]:
        return [event for event in self.log.events if isinstance(event, Superseded)]


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Run `old` waits, and `new`, which began later, has requested."""
    found = Pipeline({"old": "waits", "new": "running"})
    monkeypatch.setattr(approval_requests, "over", found.over)
    monkeypatch.setattr(approval_requests, "SUSPENDS_WITHIN_SECONDS", 0)
    monkeypatch.setattr(superseding, "end_superseded", found.end)
    monkeypatch.setattr(superseding, "leave_page", found.leave_page)
    monkeypatch.setattr(superseding, "send", found.send)
    found.ask("old", 0)
    found.ask("new", 5)
    return found


def test_older_run_that_waits(pipeline: Pipeline) -> None:
    """Its run ends; state, page, notification and record name the run and the release that replaced it."""
    assert pipeline.supersede("new") is None
    assert pipeline.states == {"old": "over", "new": "running"}
    assert pipeline.waits == ["new"]
    for text in (pipeline.ended["old"], pipeline.pages["old"], pipeline.notices[0].text):
        assert "new" in text
        assert "title of new" in text
    assert pipeline.notices[0].title == "staging does not wait any more for title of old"
    assert pipeline.entries == [
        Superseded(
            key="key of old", release="release of old", plan="plan of old", by_run="new", by_release="release of new"
        )
    ]


def test_older_run_that_requests_later(pipeline: Pipeline) -> None:
    """A run that began before the one that waits gives way itself; its end is told once."""
    pipeline.states |= {"old": "running", "new": "waits"}
    own = pipeline.supersede("old")
    assert own
    assert own.run == "new"
    end_own(pipeline.cluster, "old", HERE)
    pipeline.record.remove_question("old")
    pipeline.states["old"] = "over"
    assert forget_stale(pipeline.cluster, HERE) == []
    assert (pipeline.waits, list(pipeline.pages), len(pipeline.notices)) == (["new"], ["old"], 1)
    assert len(pipeline.entries) == 1


def test_older_run_that_ends_itself(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newer run waits for a run that was answered at the same moment; its end is told once, by itself."""
    pipeline.states["old"] = "running"

    def end(run: str, *given: Any, **more: Any) -> bool:
        assert pipeline.take(run)
        end_own(pipeline.cluster, run, HERE)
        pipeline.record.remove_question(run)
        pipeline.states[run] = "over"
        return pipeline.end(run, *given, **more)

    monkeypatch.setattr(superseding, "end_superseded", end)
    assert pipeline.supersede("new") is None
    assert (pipeline.waits, list(pipeline.pages), len(pipeline.notices)) == (["new"], ["old"], 1)
    assert len(pipeline.entries) == 1


def test_request_that_was_taken(pipeline: Pipeline) -> None:
    """A run that was answered took its request: it is never superseded, and its page stays."""
    assert pipeline.take("old") is None
    assert pipeline.supersede("new") is None
    assert (pipeline.states["old"], pipeline.pages, pipeline.entries) == ("waits", {}, [])


def test_answer_to_a_superseded_request(pipeline: Pipeline) -> None:
    """A run that was answered at the same moment learns that its request gave way, also on a second look."""
    pipeline.states["old"] = "running"
    pipeline.supersede("new")
    for _ in range(2):
        newer = pipeline.take("old")
        assert newer
        assert (newer.run, newer.title) == ("new", "title of new")


def test_resumed_and_ended_at_once(pipeline: Pipeline) -> None:
    """A process that Prefect started in the same moment finds the entry, though the request is gone."""
    pipeline.supersede("new")
    newer = pipeline.take("old")
    assert newer
    assert newer.run == "new"
    assert end_own(pipeline.cluster, "old", HERE) == []
    assert len(pipeline.notices) == 1


@pytest.mark.parametrize("state", ["over", "deleted"])
def test_newer_run_that_is_over(pipeline: Pipeline, state: str) -> None:
    """A cancelled or deleted run replaces none, however late it began."""
    pipeline.states |= {"old": "running", "new": state}
    assert pipeline.supersede("old") is None
    assert pipeline.waits == ["old"]
    assert [event.release for event in pipeline.log.events if isinstance(event, Expired)] == ["release of new"]


def test_older_run_at_work(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    """A run between its request and its rest costs the newer one a warning; whoever looks next ends it."""
    pipeline.states["old"] = "running"
    assert pipeline.supersede("new") is None
    assert "could not end run 'old': it is Running" in caplog.text
    pipeline.states["old"] = "waits"
    forget_stale(pipeline.cluster, HERE)
    assert (pipeline.states["old"], pipeline.waits, len(pipeline.entries)) == ("over", ["new"], 1)


@pytest.mark.parametrize("owner", [superseding, approval_requests])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["write", "end_superseded", "leave_page", "send"])
def test_kill_at_each_step(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, step: str, after: bool, owner: Any
) -> None:
    """Killed before or after any step, the next look ends the older run, by the newer run or another one."""
    done: Callable[..., Any] = getattr(superseding, step)

    def killed(*given: Any, **more: Any) -> None:
        if after:
            done(*given, **more)
        raise Unreachable("killed")

    with monkeypatch.context() as patch:
        patch.setattr(superseding, step, killed)
        with pytest.raises(Unreachable):
            pipeline.supersede("new")
    assert pipeline.take("old"), "an answer does not count meanwhile"
    if owner is superseding:
        pipeline.supersede("new")
    else:
        forget_stale(pipeline.cluster, HERE)
    assert (pipeline.states["old"], pipeline.waits, len(pipeline.entries)) == ("over", ["new"], 1)
    assert list(pipeline.pages) == ["old"]
    assert pipeline.notices


class Between(Remembering):
    """The record, in which *other* happens between somebody's look and write."""

    other: Callable[[], object] | None = None

    def patch(self, path: str, body: dict[str, Any]) -> None:
        other, self.other = self.other, None
        if other:
            other()
            self.version += 1
        super().patch(path, body)


@pytest.mark.parametrize("first", ["answer", "newer request"])
def test_answer_and_newer_request_at_once(pipeline: Pipeline, first: str) -> None:
    """An answer and a newer request at the same moment: the first that is written counts."""
    api = Between()
    pipeline.record = record_of(api)
    pipeline.ask("old", 0)
    pipeline.ask("new", 5)
    taken: list[Replacement | None] = []

    def answer() -> None:
        taken.append(pipeline.take("old"))

    if first == "answer":
        api.other = answer
        pipeline.supersede("new")
    else:
        api.other = lambda: pipeline.supersede("new")
        answer()
    gave_way = bool(taken[0])
    assert gave_way == bool(pipeline.entries)
    assert gave_way == (first == "newer request")


def test_newer_run_that_was_answered(pipeline: Pipeline) -> None:
    """A request that gave way stays so, although the newer one is answered by now."""
    pipeline.states["old"] = "running"
    pipeline.supersede("new")
    assert pipeline.take("new") is None
    newer = pipeline.supersede("old")
    assert newer
    assert newer.run == "new"


def test_request_alone(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that waits alone costs Prefect nothing."""
    pipeline.record.remove_question("old")
    monkeypatch.setattr(approval_requests, "over", lambda _: pytest.fail("asked"))
    assert pipeline.supersede("new") is None
