"""The commits of a plan, from a real repository: what users gain and lose, and whether main has it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from azora.core.cluster.record import StackRecord
from azora.core.cluster.state import World
from azora.core.promotion.plan import Change
from azora.errors import AzoraError
from azora.gateways.git import repository as source
from azora.operations.planning import authors_of, commits_of
from tests.support.repositories import Repository, at
from tests.support.worlds import BLUE, EMPTY, SERVING_OLD, stack


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZORA_STATE", str(tmp_path / "state"))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """`main` has One, Two and Three; `side` has One and Side."""
    found = Repository(tmp_path / "repository")
    for subject in ("One", "Two", "Three"):
        found.commit("a", subject, subject)
        found.git("tag", subject)
    found.git("checkout", "--quiet", "-b", "side", "One")
    found.commit("b", "Side", "Side")
    source.resolve("side", at(found))
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
    found = commits_of(serving(repository.git("rev-parse", now)), repository.git("rev-parse", ref), at(repository))
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
    gained, gone = commits_of(world, repository.git("rev-parse", "main"), at(repository))
    assert subjects(gained) == ["Three", "Two", "One"]
    assert gone == lost


def test_commit_without_a_branch(repository: Repository) -> None:
    """The serving commit of a removed branch is fetched by its id."""
    away = repository.git("rev-parse", "side")
    repository.git("checkout", "--quiet", "main")
    repository.git("branch", "-D", "side")
    _, lost = commits_of(serving(away), repository.git("rev-parse", "main"), at(repository))
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
    assert source.is_on_main_branch(repository.git("rev-parse", ref), at(repository, branch=branch)) is is_on


@pytest.mark.parametrize(
    ("ref", "branch", "says"),
    [
        pytest.param("main", "main", None, id="its head"),
        pytest.param("One", "main", None, id="in its history"),
        pytest.param("side", "side", None, id="another branch that is named"),
        pytest.param("side", "main", "the branch 'main' does not contain it", id="beside it"),
        pytest.param("main", "Two", "no branch 'Two'", id="a tag is no branch"),
        pytest.param("main", "trunk", "no branch 'trunk'", id="no such branch"),
    ],
)
def test_branch_that_must_contain_the_commit(repository: Repository, ref: str, branch: str, says: str | None) -> None:
    """A commit that the branch lacks is refused, and so is every commit where the branch is not known."""
    sha = repository.git("rev-parse", ref)
    if says is None:
        source.must_be_on(branch, sha, at(repository))
    else:
        with pytest.raises(AzoraError, match=says):
            source.must_be_on(branch, sha, at(repository))


def test_branch_without_an_answer(repository: Repository) -> None:
    """A commit that cannot be checked is not released."""
    sha = repository.git("rev-parse", "main")
    (repository.folder / ".git/HEAD").unlink()
    with pytest.raises(AzoraError):
        source.must_be_on("main", sha, at(repository))


def test_commit_on_a_moved_branch(repository: Repository) -> None:
    """The branch is fetched anew; where that fails, the answer is not known."""
    side = repository.git("rev-parse", "side")
    assert source.is_on_main_branch(side, at(repository)) is False
    repository.git("branch", "--force", "main", "side")
    assert source.is_on_main_branch(side, at(repository)) is True
    (repository.folder / ".git/HEAD").unlink()
    assert source.is_on_main_branch(side, at(repository)) is None


def test_commits_by_the_thousand(repository: Repository) -> None:
    """Ten thousand commits are counted whole."""
    stream = "".join(
        f"commit refs/heads/many\ncommitter Ada <a@x> {1700000000 + number} +0000\ndata 2\n{number % 10}\n"
        for number in range(10_000)
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repository.folder, input=stream.encode(), check=True)
    many = source.resolve("many", at(repository)).sha
    gained, lost = commits_of(serving(repository.git("rev-parse", "main")), many, at(repository))
    assert (len(gained), lost and len(lost)) == (10_000, 3)


def subjects(changes: tuple[Change, ...]) -> list[str]:
    return [one.subject for one in changes]


@pytest.mark.parametrize("world", [EMPTY, serving("f" * 40)], ids=["first release", "a commit that nobody knows"])
def test_authors_without_a_range(repository: Repository, world: World) -> None:
    """Authors are listed also where no range is known; a release that runs already has none."""
    main = source.resolve("main", at(repository)).sha
    assert authors_of(world, main, at(repository)) == ("ada@shop.example",)
    assert authors_of(serving(main), main, at(repository)) == ()
