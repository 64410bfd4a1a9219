"""The commits of a plan, from a real repository: what users would get, what they would lose, whether main has it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from azora.config.settings import settings
from azora.core.cluster.record import StackRecord
from azora.core.cluster.state import World
from azora.core.promotion.plan import Change
from azora.gateways.git import repository as source
from azora.operations.planning import commits_of
from tests.support.repositories import Repository
from tests.support.worlds import BLUE, EMPTY, SERVING_OLD, stack


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AZORA_KUBE_CONTEXT", "none")
    monkeypatch.setenv("AZORA_STATE", str(tmp_path / "state"))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """`main` has One, Two and Three; `side` has One and Side."""
    found = Repository(tmp_path / "repository")
    for subject in ("One", "Two", "Three"):
        found.commit("a", subject, subject)
        found.git("tag", subject)
    found.git("checkout", "--quiet", "-b", "side", "One")
    found.commit("b", "Side", "Side")
    source.resolve(str(found), "side")
    return found


def serving(commit: str) -> World:
    """A world whose users are on this commit."""
    record = StackRecord(release="old", commit=commit, revision=1)
    return replace(SERVING_OLD, stacks={BLUE: replace(stack(BLUE, "old"), record=record)})


@pytest.mark.parametrize(
    ("now", "ref", "gained", "lost"),
    [
        pytest.param("One", "main", ["Three", "Two"], [], id="newer"),
        pytest.param("main", "main", [], [], id="the same"),
        pytest.param("main", "One", [], ["Three", "Two"], id="older"),
        pytest.param("main", "side", ["Side"], ["Three", "Two"], id="diverged"),
        pytest.param("side", "main", ["Three", "Two"], ["Side"], id="diverged, the other way"),
    ],
)
def test_commits_gained_and_lost(
    repository: Repository, now: str, ref: str, gained: list[str], lost: list[str]
) -> None:
    """Commits are listed both ways between the serving commit and the release, newest first."""
    found = commits_of(serving(repository.git("rev-parse", now)), repository.git("rev-parse", ref), str(repository))
    assert [subjects(part) for part in found] == [gained, lost]


@pytest.mark.parametrize(
    ("world", "lost"),
    [
        pytest.param(EMPTY, (), id="nobody is served"),
        pytest.param(SERVING_OLD, None, id="the record has no commit"),
        pytest.param(serving("f" * 40), None, id="the repository has it no more"),
    ],
)
def test_commits_without_a_serving_commit(
    repository: Repository, world: World, lost: tuple[Change, ...] | None
) -> None:
    """All commits are gained; none is lost where nobody is served, else that is not known."""
    gained, gone = commits_of(world, repository.git("rev-parse", "main"), str(repository))
    assert subjects(gained) == ["Three", "Two", "One"]
    assert gone == lost


def test_commit_without_a_branch(repository: Repository) -> None:
    """The serving commit of a removed branch is fetched by its id."""
    away = repository.git("rev-parse", "side")
    repository.git("checkout", "--quiet", "main")
    repository.git("branch", "-D", "side")
    _, lost = commits_of(serving(away), repository.git("rev-parse", "main"), str(repository))
    assert lost is not None
    assert subjects(lost) == ["Side"]


@pytest.mark.parametrize(
    ("ref", "branch", "is_on"),
    [
        pytest.param("main", "main", True, id="its head"),
        pytest.param("One", "main", True, id="in its history"),
        pytest.param("side", "main", False, id="beside it"),
        pytest.param("main", "trunk", None, id="no such branch"),
    ],
)
def test_commit_on_a_branch(repository: Repository, ref: str, branch: str, *, is_on: bool | None) -> None:
    """A commit is on a branch that has it as its head or in its history."""
    assert source.is_on(str(repository), branch, repository.git("rev-parse", ref)) is is_on


def test_commit_on_a_moved_branch(repository: Repository) -> None:
    """The branch is fetched anew; where that fails, the answer is not known."""
    side = repository.git("rev-parse", "side")
    assert source.is_on(str(repository), "main", side) is False
    repository.git("branch", "--force", "main", "side")
    assert source.is_on(str(repository), "main", side) is True
    (repository.folder / ".git/HEAD").unlink()
    assert source.is_on(str(repository), "main", side) is None


def test_commits_by_the_thousand(repository: Repository) -> None:
    """Ten thousand commits are counted whole."""
    stream = "".join(
        f"commit refs/heads/many\ncommitter Ada <a@x> {1700000000 + number} +0000\ndata 2\n{number % 10}\n"
        for number in range(10_000)
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repository.folder, input=stream.encode(), check=True)
    many = source.resolve(str(repository), "many").sha
    gained, lost = commits_of(serving(repository.git("rev-parse", "main")), many, str(repository))
    assert (len(gained), lost and len(lost)) == (10_000, 3)


def subjects(changes: tuple[Change, ...]) -> list[str]:
    return [one.subject for one in changes]
