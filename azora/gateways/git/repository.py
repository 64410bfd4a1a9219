"""Application's repository: the commit of a ref, its content, the commits since another one."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from azora.config.settings import Settings
from azora.core.promotion.plan import Change
from azora.errors import AzoraError, BadInput, Refused
from azora.gateways.git.mirror import (
    fetch,
    fetch_commit,
    fetch_ref,
    git,
    is_ancestor,
    mirror_of,
    sha_of,
    shown_repository,
)

_FIELDS = ("%H", "%s", "%an", "%ae")
MOST_LETTERS = 500  # in the cluster's record, which is small, are the subjects of many releases

FIRST_COMMITS = 50  # of a first release
# https://docs.github.com/pull-requests/committing-changes-to-your-project/creating-and-editing-commits/creating-a-commit-with-multiple-authors
_CO_AUTHOR = re.compile(r"^\s*co-authored-by:[^\n<]*<([^\s<>]+)>", re.IGNORECASE | re.MULTILINE)
_SUBMODULE, _LINK = "160000", "120000"
_FULL = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Commit:
    """One commit.

    Subject and author may hold anything, also bytes outside UTF-8; of each, `MOST_LETTERS` are kept.
    """

    sha: str
    short: str
    subject: str
    author_name: str
    author_email: str


def resolve(ref: str, settings: Settings) -> Commit:
    """The commit that *ref* is now in the application's repository.

    A ref is a branch, a tag, a commit id, `origin/BRANCH` or `pull/N/head`.

    A branch is preferred to a tag of its name. A full commit id that is known already needs no network. Raises BadInput
    for an unknown ref or repository, Unreachable where the network is at fault. A full commit id is found also where no branch has
    it any more.
    """
    mirror = mirror_of(settings)
    if not (_FULL.fullmatch(ref) and sha_of(mirror, ref, settings)):
        fetch(mirror, settings)
    if _FULL.fullmatch(ref) and not sha_of(mirror, ref, settings):
        with suppress(BadInput):  # said below
            fetch_commit(mirror, ref, settings)
    local = ref.removeprefix("refs/remotes/").removeprefix("origin/")  # as it is called in somebody's clone
    for candidate in (f"refs/heads/{ref}", f"refs/tags/{ref}", ref, f"refs/heads/{local}"):
        if ref and ref != "HEAD" and (sha := sha_of(mirror, candidate, settings)):
            return _commits(mirror, ["-1", sha], settings)[0]
    if "/" in ref and (sha := fetch_ref(mirror, ref, settings)):
        return _commits(mirror, ["-1", sha], settings)[0]
    raise BadInput(
        f"could not find {ref!r} in {shown_repository(settings)}: no branch, tag or commit has this name",
        advice="check the spelling, and that the commit was pushed",
    )


def commits_between(old: str | None, new: str, settings: Settings) -> list[Commit]:
    """Commits of *new* that *old* does not have, newest first.

    All of *new* for None, and for an *old* that the repository no longer has (a rewritten history): who may not approve
    is read from this list, so it is rather too long than too short.
    """
    mirror = mirror_of(settings)
    known = old and sha_of(mirror, old, settings)
    return _commits(mirror, [f"{known}..{new}" if known else new], settings)


def changes_between(old: str | None, new: str, settings: Settings) -> tuple[Change, ...]:
    """Commits as in `commits_between`, in the form that people are shown."""
    commits = commits_between(old, new, settings)
    return tuple(Change(commit.short, commit.author_name, commit.subject) for commit in commits)


def authors_between(old: str | None, new: str, settings: Settings) -> tuple[str, ...]:
    """Mail addresses of the authors and co-authors of commits as in `commits_between`, sorted.

    Without *old*, of the last `FIRST_COMMITS`: a first release. Nobody proves an address to Git.
    """
    mirror = mirror_of(settings)
    known = old and sha_of(mirror, old, settings)
    selection = [f"{known}..{new}"] if known else [new] if old else [f"-{FIRST_COMMITS}", new]
    form = ["-z", "--encoding=UTF-8", "--no-show-signature", "--format=%ae%n%B"]
    said = git(mirror, ["log", *form, *selection, "--"], f"list authors of {new!r}", settings)
    found: set[str] = set()
    for author, _, message in (text.partition("\n") for text in said.split("\0")):
        found |= {author, *_CO_AUTHOR.findall(message)}
    return tuple(sorted(one[:MOST_LETTERS] for one in found if "@" in one))


def is_known(sha: str, settings: Settings) -> bool:
    """Return True when the repository still has the commit, on a branch or not.

    False also without an answer.
    """
    mirror = mirror_of(settings)
    if not sha_of(mirror, sha, settings):
        with suppress(AzoraError):
            fetch_commit(mirror, sha, settings)
    return bool(sha_of(mirror, sha, settings))


def is_on_main_branch(sha: str, settings: Settings) -> bool | None:
    """Return True when the main branch has the commit; None without an answer or without such a branch."""
    mirror = mirror_of(settings)
    try:
        fetch(mirror, settings)
    except AzoraError:
        return None
    return _contains(mirror, settings.branch, sha, settings)


def must_be_on(branch: str, sha: str, settings: Settings) -> None:
    """Fetch, and raise unless *branch* contains the commit *sha*.

    Raises:
        Refused: it does not.
        BadInput: there is no such branch.
        Unreachable: the repository did not answer.
    """
    mirror = mirror_of(settings)
    fetch(mirror, settings)
    contains = _contains(mirror, branch, sha, settings)
    if contains is None:
        raise BadInput(
            f"could not check where commit {sha[:12]} comes from: the repository has no branch {branch!r}",
            advice="correct `branch` in the environment's file",
        )
    if not contains:
        raise Refused(
            f"could not release commit {sha[:12]}: the branch {branch!r} does not contain it",
            advice="merge it first, and release what was merged",
        )


def _contains(mirror: Path, branch: str, sha: str, settings: Settings) -> bool | None:
    """Return True when *branch*, as it was fetched last, has the commit; None without such a branch."""
    head = sha_of(mirror, f"refs/heads/{branch}", settings)
    return is_ancestor(mirror, sha, head, settings) if head else None


@dataclass(frozen=True)
class Entry:
    """One path of a commit that is no folder."""

    path: str
    mode: str

    @property
    def is_submodule(self) -> bool:
        return self.mode == _SUBMODULE

    @property
    def is_link(self) -> bool:
        return self.mode == _LINK


def entries(sha: str, settings: Settings) -> list[Entry]:
    """All paths of the commit *sha*, which this machine has."""
    said = git(mirror_of(settings), ["ls-tree", "-r", "-z", "--full-tree", sha], f"list the files of {sha!r}", settings)
    rows = (line.partition("\t") for line in said.split("\0")[:-1])
    return [Entry(path, head.split()[0]) for head, _, path in rows]


def _commits(mirror: Path, selection: list[str], settings: Settings) -> list[Commit]:
    # NUL alone is in no commit. A configuration that shows signatures would put them between.
    form = ["-z", "--encoding=UTF-8", "--no-show-signature", f"--format={'%x00'.join(_FIELDS)}"]
    said = git(mirror, ["log", *form, *selection, "--"], f"list commits of {selection[-1]!r}", settings)
    fields = iter(part[:MOST_LETTERS] for part in said.split("\0")[:-1])
    rows = zip(*[fields] * len(_FIELDS), strict=True)
    return [Commit(sha, sha[:7], subject, name, email) for sha, subject, name, email in rows]
