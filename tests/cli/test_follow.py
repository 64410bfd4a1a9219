"""Following a run: its result is the exit code, and whoever starts a process later finds the same run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from azora.cli import follow
from azora.errors import Unreachable
from azora.gateways.prefect.runs import Run, Stage

States = Callable[..., list[Run | Exception]]


def run(state: str, kind: str) -> Run:
    return Run("1f2e3d4c-0", "release 1f2e3d4", state, kind, "so it ended", "http://prefect/runs/1f2e3d4c-0")


RUNNING, WAITS = run("Running", "RUNNING"), run("Suspended", "PAUSED")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> States:
    """Results of each poll of the run, in order; the returned list has those that are left."""

    def given(*found: Run | Exception) -> list[Run | Exception]:
        left = list(found)

        def look(_id: str, **_: str) -> Run:
            one = left.pop(0)
            if isinstance(one, Exception):
                raise one
            return one

        monkeypatch.setattr(follow, "run_called", look)
        monkeypatch.setattr(follow, "stages", lambda _id: [Stage("a", 1, "staging: look", "Completed", 1.0)])
        monkeypatch.setattr(follow, "plan_of_waiting", lambda _id: "0123456789ab" + "c" * 52)
        monkeypatch.setattr(follow, "POLL_SECONDS", 0)
        return left

    return given


@pytest.mark.parametrize(
    ("over", "code"),
    [
        pytest.param(run("Completed", "COMPLETED"), 0, id="promoted"),
        pytest.param(run("Up to date", "COMPLETED"), 0, id="nothing to do"),
        pytest.param(run("Rejected", "COMPLETED"), 1, id="a person said no: nothing was released"),
        pytest.param(run("Superseded", "COMPLETED"), 1, id="a newer run replaced its request"),
        pytest.param(run("Failed", "FAILED"), 1, id="failed"),
        pytest.param(run("Cancelled", "CANCELLED"), 1, id="cancelled"),
    ],
)
def test_exit_code_of_a_run(looks: States, over: Run, code: int) -> None:
    """The result of the run is the exit code."""
    left = looks(RUNNING, WAITS, over)
    assert ended(until_asked=False) == code
    assert not left


def test_until_asked(looks: States, capsys: pytest.CaptureFixture[str]) -> None:
    """`--until-asked` ends well at the approval request and shows the command to answer."""
    left = looks(RUNNING, WAITS, RUNNING)
    assert ended(until_asked=True) == 0
    assert left == [RUNNING]
    said = capsys.readouterr().out
    assert "waits for an approval" in said
    assert "approve 1f2e3d4c --plan 0123456789ab -m" in said


@pytest.mark.parametrize(
    ("started", "shown"),
    [
        pytest.param(".venv/bin/azora", ".venv/bin/azora", id="by a path"),
        pytest.param("/usr/lib/python3/azora/__main__.py", "azora", id="as a module"),
    ],
)
def test_command_to_copy(
    looks: States, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], started: str, shown: str
) -> None:
    """The command to copy starts the same program: `.venv/bin/azora` is on no PATH."""
    monkeypatch.setattr("sys.argv", [started, "demo", "--ask"])
    looks(WAITS, run("Completed", "COMPLETED"))
    follow.follow_run(WAITS.id)
    assert f"    {shown} approve 1f2e3d4c --plan 0123456789ab -m 'why you approve'\n" in capsys.readouterr().out


def test_outputs_of_a_run_that_waits(looks: States, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The outputs have the plan's hash beside the run's id, for a script that approves."""
    looks(WAITS)
    monkeypatch.setattr(follow, "start", lambda *_, **__: RUNNING)
    monkeypatch.setattr(follow, "note", lambda *_, **__: None)
    with pytest.raises(SystemExit):
        follow.begin("release", {}, wait=True, until_asked=True, as_json=False, outputs=tmp_path / "outputs")
    assert (tmp_path / "outputs").read_text().endswith(f"\nplan=0123456789ab{'c' * 52}\n")


def test_prefect_that_is_unreachable(looks: States) -> None:
    """The command waits while Prefect is unreachable for a moment."""
    left = looks(RUNNING, Unreachable("could not find run: refused"), run("Completed", "COMPLETED"))
    assert ended(until_asked=False) == 0
    assert not left


def test_outputs_of_a_failed_run(looks: States, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A failed run's outputs have its id and address, and the log has its start."""
    looks(run("Failed", "FAILED"))
    noted: list[tuple[str, object]] = []
    monkeypatch.setattr(follow, "start", lambda *_, **__: RUNNING)
    monkeypatch.setattr(follow, "note", lambda sentence, **what: noted.append((sentence, what["run"])))
    with pytest.raises(SystemExit):
        follow.begin("release", {}, wait=True, as_json=False, outputs=tmp_path / "outputs")
    assert (tmp_path / "outputs").read_text() == "run=1f2e3d4c-0\nurl=http://prefect/runs/1f2e3d4c-0\n"
    assert noted == [("started release 1f2e3d4", "1f2e3d4c-0")]


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        pytest.param([("a", 1, "Running")], "", id="still at it"),
        pytest.param([("a", 1, "Completed"), ("a", 1, "Completed")], "✓", id="seen twice"),
        pytest.param([("a", 1, "Failed"), ("b", 2, "Completed")], "✗✓", id="a Retry does it again"),
        pytest.param([("a", 1, "Completed"), ("b", 1, "Cached")], "✓", id="a resume finds it done"),
        pytest.param([("a", 1, "Failed"), ("b", 1, "Completed")], "✗✓", id="a killed attempt's, done after the resume"),
        pytest.param([("a", 1, "Completed"), ("b", 2, "Cached")], "✓✓", id="a Retry finds it done"),
    ],
)
def test_stages_of_a_run(
    seen: list[tuple[str, int, str]], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each attempt of a stage is printed once, by its task run."""
    so_far = [Stage(id_, attempt, "test web", state, 1.0) for id_, attempt, state in seen]
    looks = iter([so_far[:1], so_far[1:], so_far])
    states = iter([RUNNING, RUNNING, run("Completed", "COMPLETED")])
    monkeypatch.setattr(follow, "run_called", lambda _, **__: next(states))
    monkeypatch.setattr(follow, "stages", lambda _: next(looks))
    monkeypatch.setattr(follow, "POLL_SECONDS", 0)
    follow.follow_run("1f2e")
    assert "".join(line.split()[0] for line in capsys.readouterr().out.splitlines()) == told


def ended(*, until_asked: bool) -> int:
    with pytest.raises(SystemExit) as exit_:
        follow.follow_and_exit(RUNNING, until_asked=until_asked, on_look=str, as_json=False)
    return int(exit_.value.code or 0)
